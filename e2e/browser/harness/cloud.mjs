// Microsoft's clouds at their own addresses: a proxy that answers for `login.microsoftonline.us` and the like, with the simulator behind it,
// under whichever of these names it is asked. Postroom and the browser reach it as they would reach a proxy of a company.

import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, request as ask } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { serverCertificate } from './certificate.mjs';

/** Sign-in and Graph of each cloud, as Microsoft publishes them. */
export const clouds = {
  global: { login: 'login.microsoftonline.com', graph: 'graph.microsoft.com' },
  gcc_high: { login: 'login.microsoftonline.us', graph: 'graph.microsoft.us' },
  dod: { login: 'login.microsoftonline.us', graph: 'dod-graph.microsoft.us' },
  china: { login: 'login.partner.microsoftonline.cn', graph: 'microsoftgraph.chinacloudapi.cn' },
};

const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const isText = (type) => /json|html|xml|urlencoded|javascript/.test(type ?? '');

export class Clouds {
  #names = new Map();
  #key = generateKeyPairSync('rsa', { modulusLength: 2048 });
  #proxy;
  #inside;
  #silent = new Set();
  #open = new Map();
  #asked = [];

  /** `sim` is what the simulator says of itself; `cloud` the one that a sign-in address shared by two of them means; `exchange` the name of an Exchange server of one's own, with the simulator's EWS behind it. */
  static async start(sim, cloud, exchange) {
    const own = new Clouds();
    for (const { login, graph } of [...Object.values(clouds).reverse(), clouds[cloud]]) {
      const names = [[sim.entra, `https://${login}`], [sim.graph, `https://${graph}`]];
      own.#names.set(login, { to: sim.entra, names });
      own.#names.set(graph, { to: sim.graph, names });
    }
    if (exchange) own.#names.set(exchange, { to: sim.ews, names: [] });
    const { authority, certificate, key } = serverCertificate([...own.#names.keys()]);
    own.authority = authority;
    own.#inside = createTlsServer({ key, cert: certificate }, (request, response) =>
      own.#pass(request, response).catch((error) => (response.headersSent ? response.destroy() : response.writeHead(502).end(`${error}`))));
    own.#proxy = createServer((_, response) => response.writeHead(405).end());
    own.#proxy.on('connect', (request, socket, head) => {
      socket.on('error', () => {});
      const host = request.url.split(':')[0];
      if (!own.#names.has(host)) return socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      own.#open.set(socket, host);
      socket.on('close', () => own.#open.delete(socket));
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      // Who is silent is reached, and hangs up.
      if (own.#silent.has(host)) return socket.end();
      if (head.length) socket.unshift(head);
      return own.#inside.emit('connection', socket);
    });
    await new Promise((resolve) => own.#proxy.listen(0, '127.0.0.1', resolve));
    own.address = `http://127.0.0.1:${own.#proxy.address().port}`;
    return own;
  }

  /** The hosts that were asked, each once. */
  get asked() {
    return [...new Set(this.#asked)];
  }

  /** Whether a host answers from now on. */
  answers(host, does) {
    if (does) this.#silent.delete(host);
    else this.#silent.add(host);
    // Whoever is connected already has to come anew.
    for (const [socket, own] of this.#open) if (own === host) socket.destroy();
  }

  stop() {
    this.#proxy.close();
    this.#proxy.closeAllConnections();
  }

  async #pass(request, response) {
    const host = request.headers.host.split(':')[0];
    const { to, names } = this.#names.get(host);
    this.#asked.push(host);
    const inwards = (text) => said(text, [...this.#names.entries()].map(([name, own]) => [`https://${name}`, own.to]));
    const outwards = (text) => said(text, names);
    const content = await whole(request);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, typeof value === 'string' ? inwards(value) : value]));
    delete headers['transfer-encoding'];
    const body = isText(headers['content-type']) ? Buffer.from(inwards(content.toString())) : content;
    const answer = await new Promise((resolve, reject) => {
      const target = new URL(inwards(request.url), to);
      Object.assign(headers, { host: target.host, 'accept-encoding': 'identity' }, body.length ? { 'content-length': body.length } : {});
      ask(target, { method: request.method, headers }, resolve).on('error', reject).end(body);
    });
    const got = await whole(answer);
    const back = { ...answer.headers };
    for (const [name, value] of Object.entries(back)) if (typeof value === 'string') back[name] = outwards(value);
    let told = got;
    if (isText(back['content-type'])) told = Buffer.from(this.#signedAnew(request.url, outwards(got.toString()), outwards));
    delete back['transfer-encoding'];
    if (told.length || back['content-length']) back['content-length'] = told.length;
    response.writeHead(answer.statusCode, back).end(told);
  }

  // Whoever is at another address issues its tokens there, and signs them with keys of its own.
  #signedAnew(path, text, outwards) {
    const { kty, n, e } = this.#key.publicKey.export({ format: 'jwk' });
    const kid = createHash('sha256').update(n).digest('base64url');
    if (path.endsWith('/discovery/v2.0/keys')) {
      const [{ issuer }] = JSON.parse(text).keys;
      return JSON.stringify({ keys: [{ kty, use: 'sig', kid, n, e, issuer }] });
    }
    if (!path.endsWith('/oauth2/v2.0/token')) return text;
    const tokens = JSON.parse(text);
    if (!tokens.id_token) return text;
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url'));
    const signed = `${base64url({ typ: 'JWT', alg: 'RS256', kid })}.${base64url({ ...claims, iss: outwards(claims.iss) })}`;
    return JSON.stringify({ ...tokens, id_token: `${signed}.${sign('sha256', signed, this.#key.privateKey).toString('base64url')}` });
  }
}

async function whole(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

// Each address by its other name, also where it stands in a query.
function said(text, names) {
  return names.reduce((sum, [from, to]) => sum.replaceAll(from, to).replaceAll(encodeURIComponent(from), encodeURIComponent(to)), text);
}
