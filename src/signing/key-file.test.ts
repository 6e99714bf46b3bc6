// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  DerTag,
  decodeBase64,
  decodeHex,
  decodePem,
  encodeBase64,
  encodeDer,
  encodeDerInteger,
  encodeHex,
  encodeObjectId,
  encodePem,
  encodeUtf8,
} from '../encoding/index.ts';
import { type Gun, isSignatureValid, type KeyAlgorithm, parseGun, SIGNATURE_METHODS } from '../tuf/index.ts';
import {
  decodeKeyFile,
  decodeKeyFiles,
  encodeKeyFile,
  openKeyFile,
  PrivateKey,
  PrivateKeyError,
  relabelKeyFile,
  sealKey,
} from './index.ts';
import { encryptPbes2 } from './pbes2.ts';

interface Vector {
  readonly file: string;
  readonly keyId: string;
  readonly algorithm: string;
  readonly passphrase: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly form: string;
  readonly public: string;
  readonly private: string;
  readonly text: string;
  readonly salt?: string;
  readonly iv?: string;
}

const folder = join(import.meta.dir, '../../test/vectors/keys');
const vectors: readonly Vector[] = JSON.parse(readFileSync(join(folder, 'notary-and-docker.json'), 'utf8'));
const openssl: {
  readable: readonly { name: string; passphrase: string | null; spki: string; text: string }[];
  refused: readonly { name: string; code: string; passphrase: string | null; text: string }[];
} = JSON.parse(readFileSync(join(folder, 'openssl.json'), 'utf8'));

const open = (text: string, passphrase: string | null) =>
  openKeyFile(decodeKeyFile(encodeUtf8(text)), passphrase ?? undefined);

async function codeOf(work: () => Promise<unknown> | unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof PrivateKeyError) return error.code;
    throw error;
  }
  return 'none';
}

/** A vector of each algorithm and form. */
const samples = [
  ...new Map(vectors.map((vector) => [`${vector.algorithm} ${vector.text.split('\n')[0]}`, vector])).values(),
];

describe('key files of Notary and Docker', () => {
  test('every key opens, and has the public key and the ID that the originals gave it', async () => {
    for (const vector of vectors) {
      const key = await open(vector.text, vector.passphrase);

      expect({ file: vector.file, id: key.keyId, public: encodeBase64(key.key.bytes), type: key.key.type }).toEqual({
        file: vector.file,
        id: vector.keyId as typeof key.keyId,
        public: vector.public,
        type: vector.algorithm,
      });
    }
    expect(vectors.length).toBe(89);
  });

  test('headers are read, whatever form the key has', () => {
    for (const vector of vectors) {
      const file = decodeKeyFile(encodeUtf8(vector.text));

      expect<string | undefined>(file.role).toBe(vector.headers.role);
      expect<string | undefined>(file.gun).toBe(vector.headers.gun);
      expect(file.encrypted).toBe(vector.passphrase !== null);
      expect(new TextDecoder().decode(encodeKeyFile(file))).toBe(vector.text);
    }
  });

  test('encrypted again with the same salt and vector, each PKCS#8 file comes out byte for byte', async () => {
    let compared = 0;
    for (const { text, passphrase, salt, iv, private: plain, file } of vectors) {
      if (passphrase === null || salt === undefined || iv === undefined) continue;
      const key = await open(text, passphrase);
      const original = decodeKeyFile(encodeUtf8(text));
      const bytes = await encryptPbes2(key.encode(), passphrase, decodeHex(salt), decodeHex(iv));

      expect({ file, plain: encodeBase64(key.encode()) }).toEqual({ file, plain });
      expect(encodePem({ ...original.block, bytes })).toBe(text);
      compared++;
    }
    expect(compared).toBe(74);
  });

  test('what the signer keeps is the same key in its own form', async () => {
    for (const { form, passphrase, text, private: plain } of vectors) {
      if (form !== 'sec1' && form !== 'pkcs1' && form !== 'ed25519-notary') continue;

      expect(encodeBase64((await open(text, passphrase)).encodeBare())).toBe(plain);
    }
  });

  test('an export holds several keys', () => {
    const files = decodeKeyFiles(
      encodeUtf8(
        vectors
          .filter((vector) => vector.headers.path)
          .map((vector) => vector.text)
          .join(''),
      ),
    );

    expect(files.map((file) => file.path)).toEqual(vectors.filter((v) => v.headers.path).map((v) => v.headers.path));
    expect(files.length).toBeGreaterThan(5);
  });

  test('an export of Notary before 0.4 has its repository in the path', () => {
    const block = decodePem(samples[0]?.text ?? '')[0];
    if (block === undefined) throw new Error('no sample');
    const headers = new Map([['path', 'tuf_keys/docker.com/notary/0123']]);

    const file = decodeKeyFile(encodeUtf8(encodePem({ ...block, headers })));

    expect([file.gun, file.path]).toEqual([parseGun('docker.com/notary'), '0123']);
  });
});

describe('key files of OpenSSL', () => {
  for (const { name, text, passphrase, spki } of openssl.readable) {
    test(`${name} opens`, async () => {
      const { key } = await open(text, passphrase);

      expect(encodeBase64(key.bytes)).toBe(
        key.type === 'ed25519' ? encodeBase64(decodeBase64(spki).subarray(-32)) : spki,
      );
      if (passphrase !== null) expect(await codeOf(() => open(text, 'another passphrase'))).toBe('wrong-passphrase');
    });
  }

  for (const { name, text, passphrase, code } of openssl.refused) {
    test(`${name} is refused with a reason`, async () => {
      expect(await codeOf(() => open(text, passphrase))).toBe(code);
    });
  }
});

describe('sealKey', () => {
  const algorithms: readonly KeyAlgorithm[] = ['ecdsa', 'ed25519', 'rsa'];

  for (const algorithm of algorithms) {
    test(`a new ${algorithm} key is the same after the way through a file, and signs`, async () => {
      const key = PrivateKey.generate(algorithm);
      const sealed = encodeKeyFile(await sealKey(key, { role: 'root' }, 'passphrase'));

      const again = await openKeyFile(decodeKeyFile(sealed), 'passphrase');
      const message = encodeUtf8('message');
      const signature = { keyId: key.keyId, method: SIGNATURE_METHODS[algorithm], bytes: await again.sign(message) };

      expect(again.keyId).toBe(key.keyId);
      expect(again.encode()).toEqual(key.encode());
      expect(isSignatureValid(key.key, message, signature)).toBe(true);
    });
  }

  test('only keys of one repository name it', async () => {
    const key = PrivateKey.generate('ed25519');
    const gun = parseGun('docker.io/library/alpine');
    const guns: (Gun | undefined)[] = [];
    for (const role of ['targets', 'snapshot', 'timestamp', 'root', 'alice', 'targets/releases']) {
      guns.push((await sealKey(key, { role, gun }, 'passphrase')).gun);
    }

    expect(guns).toEqual([gun, gun, gun, undefined, undefined, undefined]);
  });

  test('S5 no key is written without a passphrase, and none shows itself', async () => {
    const key = PrivateKey.generate('ecdsa');
    const secret = encodeHex(key.encodeBare()).slice(14, 78);

    expect(await codeOf(() => sealKey(key, { role: 'root' }, ''))).toBe('passphrase-needed');
    expect(Bun.inspect(key) + JSON.stringify(key)).not.toContain(secret);
  });

  test('a role cannot smuggle a header in', async () => {
    const sealed = await sealKey(PrivateKey.generate(), { role: 'root' }, 'passphrase');

    expect(await codeOf(() => relabelKeyFile(sealed, { role: 'alice\ngun: other' }))).toBe('malformed');
  });
});

describe('damaged key files', () => {
  test('one that is cut off anywhere is a typed error', async () => {
    for (const { text, passphrase } of samples) {
      for (const length of [0, 1, 20, 60, text.length >> 1, text.length - 40, text.length - 10]) {
        expect(await codeOf(() => open(text.slice(0, length), passphrase))).not.toBe('none');
      }
    }
  });

  test('a changed byte of the file gives a typed error or the same key, never anything else', async () => {
    const bytes = samples.map((sample) => encodeUtf8(sample.text));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(samples.length - 1),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (which, at, change) => {
          const changed = Uint8Array.from(bytes[which] as Uint8Array);
          changed[at % changed.length] = (changed[at % changed.length] as number) ^ change;
          await expectSameKeyOrError(changed, samples[which] as Vector);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a changed byte of the decoded block does the same: no key comes out that does not fit its public half', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(samples.length - 1),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (which, at, change) => {
          const sample = samples[which] as Vector;
          const block = decodeKeyFile(encodeUtf8(sample.text)).block;
          const bytes = Uint8Array.from(block.bytes);
          bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ change;
          await expectSameKeyOrError(encodeUtf8(encodePem({ ...block, bytes })), sample);
        },
      ),
      { numRuns: 600 },
    );
  });

  async function expectSameKeyOrError(file: Uint8Array, sample: Vector): Promise<void> {
    try {
      const key = await openKeyFile(decodeKeyFile(file), sample.passphrase ?? undefined);
      // SEC 1 and PKCS#1 without a public half cannot show that they were changed; all of the samples have one
      expect<string>(key.keyId).toBe(sample.keyId);
    } catch (error) {
      if (!(error instanceof PrivateKeyError)) throw error;
    }
  }

  test('an EC key whose public half is hidden by a damaged tag is refused', async () => {
    const vector = vectors.find((candidate) => candidate.form === 'sec1');
    const der = decodeBase64(vector?.private ?? '');
    const at = Buffer.from(der).indexOf(Buffer.from('a144034200', 'hex'));
    const changed = Uint8Array.from(der);
    changed[at] = 0xa5;

    expect(at).toBeGreaterThan(0);
    expect(await codeOf(() => PrivateKey.decode('ecdsa', changed))).toBe('malformed');
  });

  test('a wrong passphrase is told apart from a file that is none', async () => {
    for (const { text, passphrase } of samples) {
      if (passphrase === null) continue;
      expect(await codeOf(() => open(text, 'another passphrase'))).toBe('wrong-passphrase');
      expect(await codeOf(() => open(text, null))).toBe('passphrase-needed');
    }
    expect(await codeOf(() => open('no key', 'passphrase'))).toBe('malformed');
    expect(await codeOf(() => open('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', null))).toBe(
      'malformed',
    );
    expect(await codeOf(() => open(`${samples[0]?.text}${samples[1]?.text}`, 'passphrase'))).toBe('malformed');
  });

  test('S23 a count of rounds that would take hours is refused', async () => {
    const oid = encodeObjectId;
    const sequence = (...parts: Uint8Array[]) => encodeDer(DerTag.sequence, ...parts);
    const octets = (length: number) => encodeDer(DerTag.octetString, new Uint8Array(length));
    const sealedWith = (rounds: number) => {
      const derivation = sequence(oid('1.2.840.113549.1.5.12'), sequence(octets(8), encodeDerInteger(rounds)));
      const cipher = sequence(oid('2.16.840.1.101.3.4.1.42'), octets(16));
      const bytes = sequence(sequence(oid('1.2.840.113549.1.5.13'), sequence(derivation, cipher)), octets(32));
      return encodePem({ label: 'ENCRYPTED PRIVATE KEY', headers: new Map(), bytes });
    };

    expect(await codeOf(() => open(sealedWith(2 ** 31), 'passphrase'))).toBe('unsupported');
    expect(await codeOf(() => open(sealedWith(0), 'passphrase'))).toBe('unsupported');
    expect(await codeOf(() => open(sealedWith(1), 'passphrase'))).toBe('wrong-passphrase');
  });
});
