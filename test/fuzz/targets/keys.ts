// SPDX-License-Identifier: Apache-2.0
import { decodePem, encodeUtf8 } from '../../../src/encoding/index.ts';
import { newPassphraseSecret, sealBackup } from '../../../src/signing/backup/format.ts';
import { decodeBackup, findShares, formatShare } from '../../../src/signing/backup/index.ts';
import {
  decodeKeyFiles,
  decodePublicKeyFile,
  encodeKeyFile,
  KeyStoreError,
  openKeyFile,
  PrivateKey,
  PrivateKeyError,
  PublicKeyFileError,
} from '../../../src/signing/index.ts';
import { decryptPbes2 } from '../../../src/signing/pbes2.ts';
import { keyId, MetadataError, readCertificate, verifyingKey } from '../../../src/tuf/index.ts';
import { readVectorJson, VECTOR_NOW } from '../../support/vectors.ts';
import { type FuzzTarget, holds } from '../fuzz-target.ts';

/** A moment after the recorded certificates were made. */
const CERTIFICATES_NOW = new Date('2027-01-01T00:00:00Z');

interface Vector {
  readonly text: string;
  readonly passphrase: string | null;
}

const recorded: readonly Vector[] = readVectorJson('keys/notary-and-docker.json');
const PASSPHRASE = recorded.find(({ passphrase }) => passphrase !== null)?.passphrase ?? '';

function keyFiles(): readonly Uint8Array[] {
  const { readable, refused } = readVectorJson('keys/openssl.json');
  const vectors: readonly Vector[] = [...recorded, ...readable, ...refused];
  return vectors.map(({ text }) => encodeUtf8(text));
}

const certificates = Object.values(readVectorJson('certificates/openssl.json').certificates) as {
  readonly pem: string;
  readonly pkcs8: string;
}[];

async function readKeyFile(input: Uint8Array): Promise<void> {
  const keys = decodeKeyFiles(input);
  for (const file of keys) {
    const [again, ...others] = decodeKeyFiles(encodeKeyFile(file));
    holds(others.length === 0 && again?.role === file.role && again?.gun === file.gun, 'a key file is read as written');
    if (file.encrypted) continue;
    const key = await openKeyFile(file, undefined);
    holds(keyId(key.key) === keyId((await openKeyFile(file, undefined)).key), 'one file holds one key');
  }
}

function readPrivateKey(input: Uint8Array): void {
  const key = PrivateKey.decode('pkcs8', input);
  const again = PrivateKey.decode('pkcs8', key.encode());
  holds(keyId(again.key) === keyId(key.key), 'a key is written as it was read');
}

async function readEncrypted(input: Uint8Array): Promise<void> {
  PrivateKey.decode('pkcs8', await decryptPbes2(input, PASSPHRASE));
}

function encryptedKeys(): readonly Uint8Array[] {
  const opened = recorded.filter(({ passphrase }) => passphrase === PASSPHRASE).map(({ text }) => text);
  return opened
    .filter((text) => text.includes('BEGIN ENCRYPTED PRIVATE KEY'))
    .flatMap((text) => decodePem(text).map(({ bytes }) => bytes));
}

function readCertificateKey(input: Uint8Array): void {
  readCertificate(input);
  const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(input).toString('base64')}\n-----END CERTIFICATE-----\n`;
  verifyingKey({ type: 'ecdsa-x509', bytes: encodeUtf8(pem) });
}

const SHARE = { set: '00112233', shares: 5, needed: 3, number: 1, bytes: new Uint8Array(33).fill(7) };

function backups(): readonly Uint8Array[] {
  const [content, key] = [encodeUtf8('no key'), new Uint8Array(32)];
  const shares = { kind: 'shares', set: SHARE.set, shares: SHARE.shares, needed: SHARE.needed } as const;
  return [newPassphraseSecret(), shares].map((secret) => sealBackup(content, key, secret, VECTOR_NOW));
}

function readShares(input: Uint8Array): void {
  for (const share of findShares(Buffer.from(input).toString('utf8'))) {
    const [again] = findShares(formatShare(share));
    holds(JSON.stringify(again) === JSON.stringify(share), 'a share is read as it was written');
  }
}

export const KEY_TARGETS: readonly FuzzTarget[] = [
  { name: 'key-file', corpus: keyFiles, refusals: [PrivateKeyError], read: readKeyFile },
  {
    name: 'pkcs8',
    corpus: () => certificates.map(({ pkcs8 }) => new Uint8Array(Buffer.from(pkcs8, 'base64'))),
    refusals: [PrivateKeyError],
    read: readPrivateKey,
  },
  { name: 'encrypted-key', corpus: encryptedKeys, refusals: [PrivateKeyError], read: readEncrypted },
  {
    name: 'public-key-file',
    corpus: () => [...certificates.map(({ pem }) => encodeUtf8(pem)), ...keyFiles().slice(0, 3)],
    refusals: [PublicKeyFileError],
    read: (input) => verifyingKey(decodePublicKeyFile(input, CERTIFICATES_NOW)),
  },
  {
    name: 'certificate',
    corpus: () => certificates.flatMap(({ pem }) => decodePem(pem).map(({ bytes }) => bytes)),
    refusals: [MetadataError],
    read: readCertificateKey,
  },
  { name: 'backup', corpus: backups, refusals: [KeyStoreError], read: (input) => decodeBackup(input) },
  {
    name: 'backup-shares',
    corpus: () => [1, 2, 3].map((number) => encodeUtf8(`share ${number}:\n${formatShare({ ...SHARE, number })}\n`)),
    refusals: [KeyStoreError],
    read: readShares,
  },
];
