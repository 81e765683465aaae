// Certificates in DER: one that signs itself, as an administrator makes one for an app registration (X.509 version 1), and those of a
// server at given names with the authority that it is believed by (version 3). RSA with SHA-256.

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const der = (tag, ...parts) => {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};
const sequence = (...parts) => der(0x30, ...parts);
const oid = (hex) => der(0x06, Buffer.from(hex, 'hex'));
const time = (date) => der(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));
const pem = (label, content) => `-----BEGIN ${label}-----\n${content.toString('base64').match(/.{1,64}/g).join('\n')}\n-----END ${label}-----\n`;

// sha256WithRSAEncryption (1.2.840.113549.1.1.11) and commonName (2.5.4.3).
const algorithm = sequence(oid('2a864886f70d01010b'), der(0x05));
const nameOf = (text) => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))));
const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const keyPem = (key) => key.export({ type: 'pkcs8', format: 'pem' });

/** `extensions`: with them it is of version 3. */
function certificateOf({ name, issuer = name, publicKey, signer, days, extensions = [] }) {
  const number = randomBytes(8);
  number[0] = (number[0] & 0x3f) | 0x40;
  const now = Date.now();
  const body = sequence(
    ...(extensions.length ? [der(0xa0, der(0x02, Buffer.from([2])))] : []),
    der(0x02, number), algorithm, nameOf(issuer), sequence(time(new Date(now - 3_600_000)), time(new Date(now + days * 86_400_000))), nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length ? [der(0xa3, sequence(...extensions))] : []),
  );
  return pem('CERTIFICATE', sequence(body, algorithm, der(0x03, Buffer.from([0]), sign('sha256', body, signer))));
}

/** Certificate and key as PEM, good for this many days from now. */
export function certificate(days) {
  const { publicKey, privateKey } = pair();
  return { certificate: certificateOf({ name: 'Postroom walk', publicKey, signer: privateKey, days }), key: keyPem(privateKey) };
}

/** Certificate and key of a server at these names, and the authority that it is believed by, as PEM. */
export function serverCertificate(names) {
  const [authority, server] = [pair(), pair()];
  const extension = (id, value, isCritical = false) =>
    sequence(oid(id), ...(isCritical ? [der(0x01, Buffer.from([0xff]))] : []), der(0x04, value));
  const [issuer, days] = ['Postroom walk authority', 2];
  return {
    // basicConstraints (2.5.29.19): an authority. keyUsage (2.5.29.15): signs certificates.
    authority: certificateOf({
      name: issuer, publicKey: authority.publicKey, signer: authority.privateKey, days,
      extensions: [extension('551d13', sequence(der(0x01, Buffer.from([0xff]))), true), extension('551d0f', der(0x03, Buffer.from([2, 0x04])), true)],
    }),
    // subjectAltName (2.5.29.17), and extKeyUsage (2.5.29.37) serverAuth (1.3.6.1.5.5.7.3.1).
    certificate: certificateOf({
      name: names[0], issuer, publicKey: server.publicKey, signer: authority.privateKey, days,
      extensions: [
        extension('551d11', sequence(...names.map((name) => der(0x82, Buffer.from(name))))),
        extension('551d25', sequence(oid('2b06010505070301'))),
      ],
    }),
    key: keyPem(server.privateKey),
  };
}
