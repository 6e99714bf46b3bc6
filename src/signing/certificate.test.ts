// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DerTag, decodeDer, decodeDerSequence, decodePem, decodeUtf8, encodeHex } from '../encoding/index.ts';
import { canonicalKeyId, leafCertificate, parseGun } from '../tuf/index.ts';
import { decodeKeyFile, openKeyFile, PrivateKey, PrivateKeyError, rootCertificate } from './index.ts';

const gun = parseGun('localhost:25050/vec/first');
const notBefore = new Date('2026-11-22T14:28:02.750Z');

/** The parts of the signed certificate, in DER's order. */
function parts(pem: string) {
  const [block] = decodePem(pem);
  const [body, algorithm] = decodeDerSequence(block?.bytes ?? new Uint8Array());
  const [version, serial, , issuer, , subject, , extensions] = decodeDerSequence(body?.raw ?? new Uint8Array());
  const hex = (value: typeof body) => encodeHex(value?.raw ?? new Uint8Array());
  return {
    version: hex(version),
    serial,
    issuer: hex(issuer),
    subject: hex(subject),
    extensions: hex(extensions),
    algorithm: hex(algorithm),
  };
}

/** The root certificate that Docker made on the first push of the same GUN. */
function dockersCertificate(): string {
  const path = join(import.meta.dir, '../../test/vectors/repos/a-docker-first-push/metadata/root.1.json');
  const keys: { keytype: string; keyval: { public: string } }[] = Object.values(
    JSON.parse(readFileSync(path, 'utf8')).signed.keys,
  );
  return Buffer.from(keys.find((key) => key.keytype === 'ecdsa-x509')?.keyval.public ?? '', 'base64').toString();
}

describe('rootCertificate', () => {
  test("has names, extensions and algorithm byte for byte as Docker's", async () => {
    const key = await rootCertificate(PrivateKey.generate(), gun, notBefore);

    const ours = parts(decodeUtf8(key.bytes));
    const theirs = parts(dockersCertificate());

    expect({ ...ours, serial: 0 }).toEqual({ ...theirs, serial: 0 });
  });

  test('is valid for 3650 days of whole seconds, signed by its own key, with a positive serial of 128 bits', async () => {
    const owner = PrivateKey.generate();
    const key = await rootCertificate(owner, gun, notBefore);
    const certificate = leafCertificate(key);
    const serial = parts(decodeUtf8(key.bytes)).serial?.content ?? new Uint8Array();

    expect(new Date(certificate.validFrom)).toEqual(new Date('2026-11-22T14:28:02Z'));
    expect(new Date(certificate.validTo)).toEqual(new Date('2036-11-19T14:28:02Z'));
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.subject).toBe(`CN=${gun}`);
    expect([serial.length, (serial[0] as number) < 0x80]).toEqual([16, true]);
    expect(canonicalKeyId(key)).toBe(owner.keyId);
  });

  test('two certificates of one key differ', async () => {
    const key = PrivateKey.generate();

    const [one, two] = await Promise.all([rootCertificate(key, gun, notBefore), rootCertificate(key, gun, notBefore)]);

    expect(one.bytes).not.toEqual(two.bytes);
  });

  test('is text of 64 columns with one final newline, as verifiers rebuild it (reference 3.1)', async () => {
    const text = decodeUtf8((await rootCertificate(PrivateKey.generate(), gun, notBefore)).bytes);

    expect(text).toMatch(
      /^-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/=]{1,64}\n-----END CERTIFICATE-----\n$/,
    );
  });

  test('RSA keys and other curves are signed with SHA-256 too', async () => {
    const vectors: { file: string; text: string }[] = JSON.parse(
      readFileSync(join(import.meta.dir, '../../test/vectors/keys/notary-and-docker.json'), 'utf8'),
    );
    const opened = async (name: string) =>
      openKeyFile(decodeKeyFile(Buffer.from(vectors.find((vector) => vector.file === name)?.text ?? '')), undefined);
    const expected = [
      { name: 'source/rsa-2048-pkcs1.pem', type: 'rsa-x509', algorithm: '300d06092a864886f70d01010b0500' },
      { name: 'source/ec-p384-sec1.pem', type: 'ecdsa-x509', algorithm: '300a06082a8648ce3d040302' },
      { name: 'source/ec-p521-sec1.pem', type: 'ecdsa-x509', algorithm: '300a06082a8648ce3d040302' },
    ];

    for (const { name, type, algorithm } of expected) {
      const key = await rootCertificate(await opened(name), gun, notBefore);

      expect([key.type, parts(decodeUtf8(key.bytes)).algorithm]).toEqual([type, algorithm]);
      expect(leafCertificate(key).verify(leafCertificate(key).publicKey)).toBe(true);
    }
  });

  test('the longest and the oddest GUN are its common name', async () => {
    for (const name of ['example.com/a_b', `example.com/${'x'.repeat(240)}`, 'example.com/é, O=other', 'a/"+<>;=b']) {
      const { bytes } = await rootCertificate(PrivateKey.generate(), parseGun(name), notBefore);
      const subject = Buffer.from(parts(decodeUtf8(bytes)).subject, 'hex');
      const attribute = decodeDerSequence(
        decodeDerSequence(decodeDer(subject, DerTag.sequence).content, 0x31)[0]?.raw ?? new Uint8Array(),
      );

      expect(new TextDecoder().decode(attribute[1]?.content)).toBe(name);
    }
  });

  test('a certificate that ends after 2049 says so in four digits', async () => {
    const certificate = leafCertificate(
      await rootCertificate(PrivateKey.generate(), gun, new Date('2045-01-02T03:04:05Z')),
    );

    expect(new Date(certificate.validFrom)).toEqual(new Date('2045-01-02T03:04:05Z'));
    expect(new Date(certificate.validTo)).toEqual(new Date('2054-12-31T03:04:05Z'));
  });

  test('an ed25519 key cannot have one', async () => {
    const error = await rootCertificate(PrivateKey.generate('ed25519'), gun, notBefore).catch((caught) => caught);

    expect(error).toBeInstanceOf(PrivateKeyError);
    expect(error.code).toBe('unsupported');
  });
});
