// A certificate that signs itself, as an administrator makes one for an app registration: X.509 version 1 in DER, RSA with SHA-256.

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const der = (tag, ...parts) => {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};
const sequence = (...parts) => der(0x30, ...parts);
const time = (date) => der(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));
const pem = (label, content) => `-----BEGIN ${label}-----\n${content.toString('base64').match(/.{1,64}/g).join('\n')}\n-----END ${label}-----\n`;

/** Certificate and key as PEM, good for this many days from now. */
export function certificate(days) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  // sha256WithRSAEncryption (1.2.840.113549.1.1.11) and commonName (2.5.4.3).
  const algorithm = sequence(der(0x06, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05));
  const name = sequence(der(0x31, sequence(der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from('Postroom walk')))));
  const number = randomBytes(8);
  number[0] = (number[0] & 0x7f) | 0x01;
  const now = Date.now();
  const body = sequence(
    der(0x02, number), algorithm, name, sequence(time(new Date(now - 3_600_000)), time(new Date(now + days * 86_400_000))), name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const whole = sequence(body, algorithm, der(0x03, Buffer.from([0]), sign('sha256', body, privateKey)));
  return { certificate: pem('CERTIFICATE', whole), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}
