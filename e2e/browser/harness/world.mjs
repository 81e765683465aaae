// One installation for one story: a simulated Microsoft 365 with Jira, and Postroom beside it, each a process of its own.

import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Clouds, clouds } from './cloud.mjs';
import { until } from './wait.mjs';

const run = promisify(execFile);

let ports = 0;

/** A port that nobody else takes before it is used: below those that the system hands out, and another one at each call. */
async function ownPort() {
  for (;;) {
    const port = 10_000 + ((process.pid * 7 + ports) % 20_000);
    ports += 1;
    const server = createTcpServer();
    const isFree = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}

/** Starts a program; `said()` is all that it has written so far. */
function start(binary, args, options) {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk) => (text += chunk));
  }
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return {
    said: () => text,
    async finds(what) {
      const found = await until(`${args[0]} says ${what}`, () => {
        if (child.exitCode !== null) throw new Error(`${args[0]} ended with ${child.exitCode}: ${text.slice(-2000)}`);
        return text.match(what);
      }, { within: 60_000 });
      return found;
    },
    async stop() {
      if (child.exitCode === null) child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(late);
    },
  };
}

/** `postroom demo`, as the README has it: Postroom and the simulator in one process, with sample mail. */
export async function startDemo(binary) {
  const folder = mkdtempSync(join(tmpdir(), 'postroom-walk-'));
  const demo = start(binary, ['demo', '--port', '0', '--data', folder]);
  await demo.finds(/Ctrl-C/);
  const said = demo.said();
  const setup = said.match(/https?:\/\/\S+\/setup\?token=\S+/)[0];
  return {
    setup,
    base: new URL(setup).origin,
    outlook: said.match(/Write a mail\s+(\S+)/)[1],
    jira: said.match(/See the issue\s+(\S+)/)[1],
    said: demo.said,
    async stop() {
      await demo.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export class World {
  #serve;
  #sim;
  #folder;
  #variables;
  #binary;
  #receivers = [];

  /**
   * `settings`: further `POSTROOM_…` variables. `isRegistered: false`: without an app registration in the settings. `cloud`: Microsoft is
   * reached at the addresses of its clouds, and this one stands in the settings; Exchange Online is not among them. `exchange`: the name of an
   * Exchange server of one's own, which is reached beside the clouds. `isRecorded`: what is asked of Microsoft and Jira is written down, see
   * `record`.
   */
  static async start(binary, { settings = {}, isRegistered = true, cloud, exchange, isRecorded = false } = {}) {
    const world = new World();
    world.#binary = binary;
    world.#folder = mkdtempSync(join(tmpdir(), 'postroom-walk-'));
    world.#sim = start(binary, ['sim', '--no-quotas', ...(isRecorded ? ['--record', 'record.jsonl'] : [])], { cwd: world.#folder });
    const [line] = await world.#sim.finds(/^\{.*\}$/m);
    world.sim = JSON.parse(line);
    const atCloud = cloud ? await world.#placeIn(cloud, exchange) : {};
    const port = await ownPort();
    world.base = `http://127.0.0.1:${port}`;
    const { sim } = world;
    const registered = {
      POSTROOM_MICROSOFT_CLIENT_ID: sim.client_id,
      POSTROOM_MICROSOFT_CLIENT_SECRET: sim.client_secret,
      POSTROOM_MICROSOFT_TENANT: sim.tenant_id,
    };
    world.#variables = {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('POSTROOM_'))),
      POSTROOM_DATA_FOLDER: join(world.#folder, 'data'),
      POSTROOM_SERVER_LISTEN: `127.0.0.1:${port}`,
      POSTROOM_SERVER_PUBLIC_URL: world.base,
      POSTROOM_MICROSOFT_LOGIN_URL: sim.entra,
      POSTROOM_MICROSOFT_GRAPH_URL: sim.graph,
      POSTROOM_MICROSOFT_EWS_URL: sim.ews,
      POSTROOM_JIRA_BASE_URL: sim.jira,
      POSTROOM_JIRA_USER: sim.jira_user,
      POSTROOM_JIRA_TOKEN: sim.jira_token,
      POSTROOM_JIRA_GATEWAY_URL: sim.jira,
      POSTROOM_JIRA_AUTH_URL: sim.jira,
      POSTROOM_INBOUND_POLL_INTERVAL: '1s',
      POSTROOM_LOG_LEVEL: 'warn',
      ...(isRegistered ? registered : {}),
      ...atCloud,
      ...settings,
    };
    world.#serve = start(binary, ['serve'], { cwd: world.#folder, env: world.#variables });
    world.setup = (await world.#serve.finds(/http:\/\/127\.0\.0\.1:\d+\/setup\?token=\S+/))[0];
    return world;
  }

  async #placeIn(name, exchange) {
    this.clouds = await Clouds.start(this.sim, name, exchange);
    const trusted = join(this.#folder, 'authority.pem');
    writeFileSync(trusted, this.clouds.authority);
    return {
      HTTPS_PROXY: this.clouds.address,
      NO_PROXY: '127.0.0.1,localhost',
      POSTROOM_MICROSOFT_CA_FILE: trusted,
      POSTROOM_MICROSOFT_LOGIN_URL: `https://${clouds[name].login}`,
      POSTROOM_MICROSOFT_GRAPH_URL: `https://${clouds[name].graph}`,
    };
  }

  /** Ends the simulator, and gives what was asked of it since the beginning. */
  async record() {
    await this.#sim.stop();
    return readFileSync(join(this.#folder, 'record.jsonl'), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }

  /** What Postroom has logged. */
  log() {
    return this.#serve.said();
  }

  async stop() {
    for (const receiver of this.#receivers) receiver.close();
    this.clouds?.stop();
    await Promise.all([this.#serve?.stop(), this.#sim?.stop()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A lever of the simulator. */
  async lever(path, body, method = body === undefined ? 'GET' : 'POST') {
    const answer = await fetch(this.sim.control.replace(/\/$/, '') + path, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** A mail lies in a mailbox, as if somebody outside whom Exchange believes had sent it; `at`: since when, as an RFC 3339 time. */
  async deliver(mailbox, subject, { folder = 'inbox', from = 'Casey Customer <casey@customer.example>', text = 'Hello,\n\nit hums.\n', id, at } = {}) {
    id ??= `${Date.now()}.${Math.random().toString(36).slice(2)}@customer.example`;
    const mail = [
      `From: ${from}`, `To: ${mailbox}`, `Subject: ${subject}`, `Message-ID: <${id}>`, `Date: ${new Date().toUTCString()}`,
      'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', '', text.replaceAll('\n', '\r\n'),
    ].join('\r\n');
    const path = `/mailboxes/${mailbox}/messages?sender=pass&folder=${encodeURIComponent(folder)}${at ? `&received_at=${encodeURIComponent(at)}` : ''}`;
    const answer = await fetch(this.sim.control.replace(/\/$/, '') + path, {
      method: 'POST', headers: { 'content-type': 'message/rfc822' }, body: mail,
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** What lies in a mailbox. */
  messages(mailbox) {
    return this.lever(`/mailboxes/${mailbox}/messages`);
  }

  /** The issues in Jira with this summary. */
  async issues(summary) {
    return (await this.lever('/jira/issues')).filter((issue) => issue.summary === summary);
  }

  /** Waits for the issue of a mail. */
  issue(summary, within = 30_000) {
    return until(`the issue “${summary}”`, async () => (await this.issues(summary))[0], { within });
  }

  /** Waits until Microsoft has been asked once more; gives when. */
  async nextCall(services = ['graph', 'ews', 'entra']) {
    const total = async () => {
      const counters = await this.lever('/counters');
      return services.reduce((sum, service) => sum + counters[service].requests, 0);
    };
    const before = await total();
    return until('a call to Microsoft', async () => ((await total()) > before ? Date.now() : null), { every: 10 });
  }

  /** Another command of the program, with this installation's settings. */
  async command(...args) {
    return (await run(this.#binary, args, { env: this.#variables, cwd: this.#folder })).stdout;
  }

  /** Time passes for one row: the walk cannot wait for an hour. */
  async change(statement) {
    const script = 'import sqlite3, sys\nwith sqlite3.connect(sys.argv[1], timeout=20) as db: print(db.execute(sys.argv[2]).rowcount)';
    const { stdout } = await run('python3', ['-c', script, join(this.#folder, 'data', 'postroom.sqlite'), statement]);
    return Number(stdout);
  }

  /** A receiver of webhooks on this machine; `got` fills with requests. */
  async receiver() {
    const got = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        got.push({ at: Date.now(), headers: request.headers, body });
        response.writeHead(204).end();
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#receivers.push(server);
    return { got, address: `http://127.0.0.1:${server.address().port}/hook` };
  }
}
