// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import * as promises from 'node:fs/promises';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MemoryKeyFiles } from '../../test/support/memory-keys.ts';
import { type KeyId, parseGun } from '../tuf/index.ts';
import { encodeKeyFile, KeyStoreError, openKeyStore, PrivateKey, sealKey } from './index.ts';
import { KeyDirectory } from './key-directory.ts';
import { codeOf, describeKeyStore, ScriptedPassphrases } from './key-store.contract.ts';
import { FileKeyStore } from './key-store.ts';
import type { FileSystem } from './private-files.ts';

const base = await mkdtemp(join(tmpdir(), 'hallmark-keys-'));
afterAll(() => rm(base, { recursive: true, force: true }));
let count = 0;
const newDirectory = () => join(base, `trust-${count++}`);

describeKeyStore('directory', () => {
  const directory = newDirectory();
  return { open: () => openKeyStore(directory) };
});

describeKeyStore('memory', () => {
  const files = new MemoryKeyFiles();
  return { open: () => new FileKeyStore(files) };
});

interface Vector {
  readonly file: string;
  readonly keyId: KeyId;
  readonly passphrase: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(join(import.meta.dir, '../../test/vectors/keys/notary-and-docker.json'), 'utf8'),
);
const vectorsIn = (folder: string) => vectors.filter((vector) => vector.file.startsWith(folder));

/** A trust directory as the original client left it. */
async function place(directory: string, folder: string): Promise<readonly Vector[]> {
  for (const vector of vectorsIn(folder)) {
    const path = join(directory, 'private', vector.file.slice(folder.length));
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, vector.text, { mode: 0o600 });
  }
  return vectorsIn(folder);
}

describe('directories of the originals', () => {
  for (const folder of ['docker/', 'notary-d/', 'notary-e/', 'imported-by-notary/', 'loaded-by-docker/']) {
    test(`${folder} is listed by its headers, and every key opens`, async () => {
      const directory = newDirectory();
      const originals = await place(directory, folder);
      const store = openKeyStore(directory);

      const { keys, problems } = await store.list();

      expect(problems).toEqual([]);
      const byId = [...originals].sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
      expect(keys.map(({ keyId, role, gun }) => [keyId, role, gun])).toEqual(
        byId.map(({ keyId, headers }) => [keyId, headers.role, headers.gun] as (typeof keyId | undefined)[]),
      );
      for (const { keyId, passphrase } of originals) {
        expect((await store.get(keyId, new ScriptedPassphrases(passphrase))).keyId).toBe(keyId);
      }
    });
  }

  test('the layout of Notary 0.1 is read where it lies, roles and repositories from the file names', async () => {
    const directory = newDirectory();
    const originals = await place(directory, 'legacy/notary0.1/');
    const store = openKeyStore(directory);
    const before = (await readdir(directory, { recursive: true })).sort();

    const { keys, problems } = await store.list();

    expect(problems).toEqual([]);
    expect(keys.map(({ role, gun }) => `${role} of ${gun}`).sort()).toEqual([
      'root of undefined',
      'snapshot of docker.com/notary0.1/samplerepo',
      'targets of docker.com/notary0.1/samplerepo',
    ]);
    for (const { keyId } of originals) {
      expect((await store.get(keyId, new ScriptedPassphrases('randompass'))).keyId).toBe(keyId);
    }
    expect((await readdir(directory, { recursive: true })).sort()).toEqual(before);
  });

  test('a key of an old layout under a new passphrase opens by the old one nowhere; an import believed by its name keeps it', async () => {
    const directory = newDirectory();
    const [original] = await place(directory, 'legacy/notary0.1/');
    if (original === undefined) throw new Error('no key');
    const store = openKeyStore(directory);
    const filesOf = async () =>
      (await readdir(directory, { recursive: true })).filter((name) => name.includes(original.keyId)).sort();
    const [before] = await filesOf();
    const key = await store.get(original.keyId as KeyId, new ScriptedPassphrases('randompass'));
    await store.importKey(original.keyId as KeyId, await store.exportKey(original.keyId as KeyId));
    expect(await filesOf()).toEqual([before as string, `private/${original.keyId}.key`].sort());

    await store.add(key, { role: 'root' }, 'another-passphrase');

    expect(await filesOf()).toEqual([`private/${original.keyId}.key`]);
    const again = openKeyStore(directory);
    expect((await again.get(key.keyId, new ScriptedPassphrases('another-passphrase'))).keyId).toBe(key.keyId);
  });

  test('S7 an old directory that others can read is reported, and its keys are not just "not found"', async () => {
    const directory = newDirectory();
    const [original] = await place(directory, 'legacy/notary0.3/');
    const exposed = join(directory, 'private/root_keys');
    await chmod(exposed, 0o775);
    const store = openKeyStore(directory);

    const { keys, problems } = await store.list();
    const error = await store
      .get(original?.keyId as KeyId, new ScriptedPassphrases('password'))
      .catch((caught) => caught);

    expect([keys.length, problems.map(({ path }) => path)]).toEqual([3, [exposed]]);
    expect([error.code, error.remedy]).toEqual(['insecure-permissions', `chmod 700 '${exposed}'`]);
  });

  test('the layout of Notary 0.3 is read where it lies, and its keys can be removed', async () => {
    const directory = newDirectory();
    const originals = await place(directory, 'legacy/notary0.3/');
    const store = openKeyStore(directory);

    const { keys } = await store.list();
    for (const { keyId } of originals) await store.get(keyId, new ScriptedPassphrases('password'));
    for (const { keyId } of originals) await store.remove(keyId);

    expect(keys.map(({ role, gun }) => `${role} of ${gun}`).sort()).toEqual([
      'root of undefined',
      'snapshot of docker.com/notary0.3/tst',
      'targets of docker.com/notary0.3/tst',
      'targets/releases of undefined',
    ]);
    expect((await store.list()).keys).toEqual([]);
  });
});

describe('bad files', () => {
  let directory: string;
  let folder: string;
  const key = PrivateKey.generate('ed25519');
  const path = () => join(folder, `${key.keyId}.key`);

  beforeEach(async () => {
    directory = newDirectory();
    folder = join(directory, 'private');
    await openKeyStore(directory).add(key, { role: 'alice' }, 'passphrase');
  });

  const get = () => openKeyStore(directory).get(key.keyId, new ScriptedPassphrases('passphrase'));
  const problems = async () =>
    (await openKeyStore(directory).list()).problems.map((problem) => [problem.code, problem.path]);

  test('directories are made with mode 0700 and files with 0600 (S7)', async () => {
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
  });

  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o666]) {
    test(`S7 a key file of mode ${mode.toString(8)} is refused with the command that mends it`, async () => {
      await chmod(path(), mode);

      const error = await get().catch((caught) => caught);

      expect(error).toBeInstanceOf(KeyStoreError);
      expect([error.code, error.path, error.remedy]).toEqual(['insecure-permissions', path(), `chmod 600 '${path()}'`]);
      expect(error.message).toContain(error.remedy);
      expect(await problems()).toEqual([['insecure-permissions', path()]]);
    });
  }

  test('S7 a key directory that others can read or write is refused, for reading and for writing', async () => {
    await chmod(folder, 0o755);
    const store = openKeyStore(directory);

    const error = await store.list().catch((caught) => caught);

    expect([error.code, error.remedy]).toEqual(['insecure-permissions', `chmod 700 '${folder}'`]);
    expect(await codeOf(get())).toBe('insecure-permissions');
    expect(await codeOf(store.add(PrivateKey.generate(), { role: 'bob' }, 'passphrase'))).toBe('insecure-permissions');
    expect(await readdir(folder)).toEqual([`${key.keyId}.key`]);
  });

  test('a file that became readable after its key was opened is refused all the same (S7)', async () => {
    const store = openKeyStore(directory);
    await store.get(key.keyId, new ScriptedPassphrases('passphrase'));
    await chmod(path(), 0o644);

    expect(await codeOf(store.get(key.keyId, new ScriptedPassphrases()))).toBe('insecure-permissions');
  });

  test('a truncated, an empty, a huge and a foreign file are reported, and the other keys stay usable', async () => {
    const file = (digit: string) => join(folder, `${digit.repeat(64)}.key`);
    const text = await readFile(path(), 'utf8');
    await writeFile(file('1'), text.slice(0, 200), { mode: 0o600 });
    await writeFile(file('2'), '', { mode: 0o600 });
    await writeFile(file('3'), 'x'.repeat(100_000), { mode: 0o600 });
    await writeFile(join(folder, 'notes.key'), text, { mode: 0o600 });
    await writeFile(join(folder, 'notes.txt'), text, { mode: 0o644 });

    expect((await problems()).sort()).toEqual(
      [...['1', '2', '3'].map(file), join(folder, 'notes.key')]
        .map((name) => ['malformed', name] as const)
        .sort() as never,
    );
    expect((await openKeyStore(directory).list()).keys.map(({ keyId }) => keyId)).toEqual([key.keyId]);
    expect((await get()).keyId).toBe(key.keyId);
    const broken = openKeyStore(directory).get('1'.repeat(64) as KeyId, new ScriptedPassphrases('passphrase'));
    expect(await codeOf(broken)).toBe('malformed');
  });

  test('symbolic links and directories are not keys', async () => {
    const linked = '4'.repeat(64) as KeyId;
    await symlink(path(), join(folder, `${linked}.key`));
    await mkdir(join(folder, `${'5'.repeat(64)}.key`), { mode: 0o700 });

    const store = openKeyStore(directory);

    expect((await store.list()).keys.map(({ keyId }) => keyId)).toEqual([key.keyId]);
    expect(await codeOf(store.get(linked, new ScriptedPassphrases('passphrase')))).toBe('not-found');
    expect(await codeOf(store.get('5'.repeat(64) as KeyId, new ScriptedPassphrases()))).toBe('not-found');
  });

  test('a trust directory that is a file is a typed error', async () => {
    const store = openKeyStore(path());

    expect(await codeOf(store.list())).toBe('io');
    expect(await codeOf(store.add(key, { role: 'root' }, 'passphrase'))).toBe('io');
  });
});

type Fault = { readonly call: 'write' | 'sync' | 'close' | 'rename' | 'open' | 'mkdir'; readonly errno: string };

/** The real file system, except that one call on a temporary file fails. */
function failing({ call, errno }: Fault): FileSystem {
  const fail = async () => {
    throw Object.assign(new Error(errno), { code: errno });
  };
  return {
    ...promises,
    mkdir: call === 'mkdir' ? fail : promises.mkdir,
    rename: call === 'rename' ? fail : promises.rename,
    open: (async (path: string, flags: string | number, mode?: number) => {
      if (flags !== 'wx') return promises.open(path, flags, mode);
      if (call === 'open') return fail();
      const handle = await promises.open(path, flags, mode);
      if (call === 'write') handle.writeFile = () => handle.write('half of it').then(fail);
      if (call === 'sync') handle.sync = fail;
      return handle;
    }) as FileSystem['open'],
  };
}

describe('failing disks', () => {
  const faults: readonly (Fault & { readonly code: string })[] = [
    { call: 'write', errno: 'ENOSPC', code: 'disk-full' },
    { call: 'sync', errno: 'EDQUOT', code: 'disk-full' },
    { call: 'open', errno: 'EROFS', code: 'read-only' },
    { call: 'open', errno: 'EACCES', code: 'read-only' },
    { call: 'mkdir', errno: 'EPERM', code: 'read-only' },
    { call: 'rename', errno: 'EIO', code: 'io' },
  ];

  for (const fault of faults) {
    test(`${fault.errno} at ${fault.call} is ${fault.code}, and every file is as it was`, async () => {
      const directory = newDirectory();
      const key = PrivateKey.generate('ed25519');
      await openKeyStore(directory).add(key, { role: 'alice' }, 'passphrase');
      const path = join(directory, 'private', `${key.keyId}.key`);
      const before = await readFile(path, 'utf8');
      const store = new FileKeyStore(new KeyDirectory(directory, failing(fault)));

      const replaced = await store.add(key, { role: 'bob' }, 'other passphrase').catch((caught) => caught);
      const added = store.add(PrivateKey.generate('ed25519'), { role: 'bob' }, 'passphrase');

      expect(replaced).toBeInstanceOf(KeyStoreError);
      expect([replaced.code, replaced.path]).toEqual([fault.code, path]);
      expect(replaced.message).not.toContain('\n');
      expect<string>(await codeOf(added)).toBe(fault.code);
      expect(await readdir(dirname(path))).toEqual([`${key.keyId}.key`]);
      expect(await readFile(path, 'utf8')).toBe(before);
      expect((await store.get(key.keyId, new ScriptedPassphrases('passphrase'))).keyId).toBe(key.keyId);
    });
  }

  test('a file that may not be read is a typed error', async () => {
    const directory = newDirectory();
    const key = PrivateKey.generate('ed25519');
    await openKeyStore(directory).add(key, { role: 'alice' }, 'passphrase');
    const open = async () => {
      throw Object.assign(new Error('no'), { code: 'EACCES' });
    };
    const store = new FileKeyStore(new KeyDirectory(directory, { ...promises, open }));

    expect(await codeOf(store.get(key.keyId, new ScriptedPassphrases('passphrase')))).toBe('unreadable');
    expect((await store.list()).problems.map(({ code }) => code)).toEqual(['unreadable']);
  });

  test('what is left of a write that was cut off is no key', async () => {
    const directory = newDirectory();
    const key = PrivateKey.generate('ed25519');
    const sealed = encodeKeyFile(await sealKey(key, { role: 'targets', gun: parseGun('example.com/a') }, 'passphrase'));
    await mkdir(join(directory, 'private'), { recursive: true, mode: 0o700 });
    await writeFile(join(directory, 'private', '.0123456789abcdef.tmp'), sealed.subarray(0, 100), { mode: 0o600 });

    expect(await openKeyStore(directory).list()).toEqual({ keys: [], problems: [] });
  });
});
