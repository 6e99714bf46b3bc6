// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thrownBy } from '../../../test/support/refusals.ts';
import { encodeUtf8 } from '../../encoding/index.ts';
import type { KeyId } from '../../tuf/index.ts';
import { environmentPassphrases, KeyStoreError, openKeyStore, PrivateKey } from '../index.ts';
import {
  type Backup,
  collectKeys,
  createBackup,
  decodeBackup,
  openWithPassphrase,
  openWithShares,
  restoreKeys,
  type SavedKey,
  writeNewPrivateFile,
} from './index.ts';

const refusal = (work: () => unknown) => thrownBy(KeyStoreError, work);

const PASSPHRASE = 'passphrase of the backup';
const KEY_PASSPHRASE = 'passphrase of the keys';
const now = new Date('2026-11-22T14:28:02.000Z');
const passphrases = environmentPassphrases({
  DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: KEY_PASSPHRASE,
  DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: KEY_PASSPHRASE,
});

let directory: string;
let trust: string;
let keyIds: readonly KeyId[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hm-backup-'));
  trust = join(directory, 'trust');
  const store = openKeyStore(trust);
  const keys = [PrivateKey.generate(), PrivateKey.generate('ed25519')];
  for (const [index, key] of keys.entries())
    await store.add(key, { role: index === 0 ? 'root' : 'alice' }, KEY_PASSPHRASE);
  keyIds = keys.map(({ keyId }) => keyId).sort();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function withPassphrase(file: Uint8Array, passphrase: string): Promise<readonly SavedKey[] | undefined> {
  const backup = decodeBackup(file);
  if (backup.secret.kind !== 'passphrase') throw new Error('a backup of another kind');
  return openWithPassphrase(backup, backup.secret, passphrase);
}

function sharesOf(backup: Backup) {
  if (backup.secret.kind !== 'shares') throw new Error('a backup of another kind');
  return backup.secret;
}

function files(trustDirectory: string): Readonly<Record<string, string>> {
  const path = join(trustDirectory, 'private');
  return Object.fromEntries(readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'utf8')]));
}

describe('a backup by passphrase', () => {
  test('brings every key back on an empty machine, byte for byte and ready to sign', async () => {
    const { file, shares } = await createBackup(await collectKeys(trust), { passphrase: PASSPHRASE }, now);
    const other = join(directory, 'other', 'trust');

    const restored = await restoreKeys(other, (await withPassphrase(file, PASSPHRASE)) ?? []);

    expect(shares).toEqual([]);
    expect(restored.added.map(({ keyId }) => keyId).sort()).toEqual([...keyIds]);
    expect(files(other)).toEqual(files(trust));
    expect(statSync(join(other, 'private')).mode & 0o777).toBe(0o700);
    for (const keyId of keyIds) {
      expect(statSync(join(other, 'private', `${keyId}.key`)).mode & 0o777).toBe(0o600);
      expect((await openKeyStore(other).get(keyId, passphrases)).keyId).toBe(keyId);
    }
  });

  test('another passphrase opens nothing', async () => {
    const { file } = await createBackup(await collectKeys(trust), { passphrase: PASSPHRASE }, now);

    expect(await withPassphrase(file, `${PASSPHRASE}!`)).toBeUndefined();
  });

  test('tells nothing of the keys to who only has the file', async () => {
    const { file } = await createBackup(await collectKeys(trust), { passphrase: PASSPHRASE }, now);
    const text = Buffer.from(file).toString();

    for (const secret of [...keyIds, 'alice', 'PRIVATE KEY', PASSPHRASE]) expect(text).not.toContain(secret);
    expect(JSON.parse(text).secret).toMatchObject({ kind: 'passphrase', kdf: 'scrypt', n: 131072, r: 8, p: 1 });
    expect(JSON.parse(text).cipher).toBe('aes-256-gcm');
  });

  test('a changed byte anywhere is found out: in the content, the nonce, the date, the salt', async () => {
    const { file } = await createBackup(await collectKeys(trust), { passphrase: PASSPHRASE }, now);
    const document = JSON.parse(Buffer.from(file).toString());
    const other = Buffer.from(document.sealed, 'base64');
    other[7] = (other[7] ?? 0) ^ 1;

    for (const change of [
      { sealed: other.toString('base64') },
      { nonce: Buffer.alloc(12).toString('base64') },
      { created: '2020-01-01T00:00:00.000Z' },
      { secret: { ...document.secret, salt: Buffer.alloc(32).toString('base64') } },
    ])
      expect(await withPassphrase(encodeUtf8(JSON.stringify({ ...document, ...change })), PASSPHRASE)).toBeUndefined();
  });

  test('S23 a file that asks for endless work or memory is refused unread', async () => {
    const { file } = await createBackup(await collectKeys(trust), { passphrase: PASSPHRASE }, now);
    const document = JSON.parse(Buffer.from(file).toString());

    for (const cost of [{ n: 2 ** 30 }, { n: 2 ** 17 + 1 }, { r: 1000 }, { p: 1000 }, { n: -1 }, { kdf: 'none' }]) {
      const changed = encodeUtf8(JSON.stringify({ ...document, secret: { ...document.secret, ...cost } }));
      expect((await refusal(() => decodeBackup(changed))).code).toBe('malformed');
    }
  });

  test('what is no backup is refused, and one of a later version is told apart', async () => {
    const { file } = await createBackup(await collectKeys(trust), { passphrase: PASSPHRASE }, now);
    const document = JSON.parse(Buffer.from(file).toString());

    for (const text of ['', '{}', 'x', JSON.stringify({ ...document, nonce: '' }), `${Buffer.from(file)}x`])
      expect((await refusal(() => decodeBackup(encodeUtf8(text)))).code).toBe('malformed');
    const later = encodeUtf8(JSON.stringify({ ...document, version: 2 }));
    expect((await refusal(() => decodeBackup(later))).code).toBe('unsupported');
  });
});

describe('a backup by shares', () => {
  test('three of five restore it, two do not', async () => {
    const { file, shares } = await createBackup(await collectKeys(trust), { shares: 5, needed: 3 }, now);
    const backup = decodeBackup(file);
    const set = sharesOf(backup);

    const keys = await openWithShares(backup, set, shares.slice(2));

    expect(shares).toHaveLength(5);
    expect(keys.map(({ keyId }) => keyId).sort()).toEqual([...keyIds]);
    expect((await refusal(() => openWithShares(backup, set, shares.slice(3)))).code).toBe('malformed');
  });

  test('shares of another backup of the same keys do not open it', async () => {
    const keys = await collectKeys(trust);
    const one = await createBackup(keys, { shares: 3, needed: 2 }, now);
    const other = await createBackup(keys, { shares: 3, needed: 2 }, now);
    const backup = decodeBackup(one.file);

    const error = await refusal(() => openWithShares(backup, sharesOf(backup), other.shares));

    expect(error.message).toContain('belongs to another backup');
  });

  test('a set that somebody wrote over the file does not open it either', async () => {
    const { file, shares } = await createBackup(await collectKeys(trust), { shares: 3, needed: 2 }, now);
    const document = JSON.parse(Buffer.from(file).toString());
    const changed = { ...document, secret: { ...document.secret, shares: 4 } };
    const backup = decodeBackup(encodeUtf8(JSON.stringify(changed)));

    expect((await refusal(() => openWithShares(backup, sharesOf(backup), shares))).code).toBe('malformed');
  });
});

describe('what goes into a backup', () => {
  test('S7 a key file that others may read fails the whole, with the command that mends it', async () => {
    chmodSync(join(trust, 'private', `${keyIds[0]}.key`), 0o644);

    const error = await refusal(() => collectKeys(trust));

    expect(error.code).toBe('insecure-permissions');
    expect(error.remedy).toContain('chmod 600');
  });

  test('a key without a passphrase is refused', async () => {
    const path = join(trust, 'private', `${'a'.repeat(64)}.key`);
    const der = Buffer.from(PrivateKey.generate().encode()).toString('base64');
    writeFileSync(
      path,
      `-----BEGIN PRIVATE KEY-----\nrole: root\n\n${der.replace(/(.{64})/g, '$1\n')}\n-----END PRIVATE KEY-----\n`,
      {
        mode: 0o600,
      },
    );

    const error = await refusal(() => collectKeys(trust));

    expect(error.code).toBe('passphrase-needed');
    expect(error.remedy).toBe(`hallmark key passwd ${'a'.repeat(64)}`);
  });

  test('no keys are no backup', async () => {
    expect((await refusal(() => collectKeys(join(directory, 'empty')))).code).toBe('not-found');
  });

  test('a file that is there is never written over', async () => {
    const path = join(directory, 'keys.backup');
    await writeNewPrivateFile(path, encodeUtf8('one'));

    expect((await refusal(() => writeNewPrivateFile(path, encodeUtf8('two')))).code).toBe('exists');
    expect(readFileSync(path, 'utf8')).toBe('one');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

describe('restoring', () => {
  test('a second time changes nothing and says so', async () => {
    const keys = await collectKeys(trust);
    const other = join(directory, 'other');
    await restoreKeys(other, keys);

    const again = await restoreKeys(other, keys);

    expect([again.added.length, again.present.length]).toEqual([0, 2]);
  });

  test('beside other keys it adds those that are missing', async () => {
    const keys = await collectKeys(trust);
    const other = join(directory, 'other');
    const own = PrivateKey.generate();
    await openKeyStore(other).add(own, { role: 'bob' }, KEY_PASSPHRASE);
    await restoreKeys(other, keys.slice(0, 1));

    const { added, present } = await restoreKeys(other, keys);

    expect([added.length, present.length]).toEqual([1, 1]);
    expect(Object.keys(files(other)).sort()).toEqual([...keyIds, own.keyId].sort().map((keyId) => `${keyId}.key`));
  });

  test('a key whose file differs is never overwritten, and nothing else is restored', async () => {
    const keys = await collectKeys(trust);
    const other = join(directory, 'other');
    const [first] = keyIds as readonly [KeyId];
    const store = openKeyStore(other);
    await store.add(await openKeyStore(trust).get(first, passphrases), { role: 'other' }, 'another passphrase');
    const before = files(other);

    const error = await refusal(() => restoreKeys(other, keys));

    expect(error.code).toBe('exists');
    expect(error.message).toContain(first);
    expect(files(other)).toEqual(before);
  });

  test('all or nothing: a file that cannot be placed takes the others back, and leaves no rest', async () => {
    const keys = await collectKeys(trust);
    const other = join(directory, 'other');
    await openKeyStore(other).add(PrivateKey.generate(), { role: 'bob' }, KEY_PASSPHRASE);
    const before = files(other);
    // a directory is no key, so nothing differs, and no file can take its place
    const last = keys.at(-1)?.keyId as KeyId;
    mkdirSync(join(other, 'private', `${last}.key`, 'in the way'), { recursive: true });

    const error = await refusal(() => restoreKeys(other, keys));
    rmSync(join(other, 'private', `${last}.key`), { recursive: true });

    expect(error.code).toBe('io');
    expect(files(other)).toEqual(before);
    expect(readdirSync(other)).toEqual(['private']);
  });

  test('S13 a name that is no key id never becomes a path', async () => {
    const { file } = await createBackup(
      [{ keyId: '../../evil' as KeyId, role: 'root', gun: undefined, bytes: encodeUtf8('x') }],
      { passphrase: PASSPHRASE },
      now,
    );

    expect((await refusal(() => withPassphrase(file, PASSPHRASE))).code).toBe('malformed');
    expect(existsSync(join(directory, 'evil.key'))).toBe(false);
  });
});
