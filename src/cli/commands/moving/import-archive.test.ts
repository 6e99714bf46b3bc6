// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandLineWorld, openWorld } from '../../../../test/support/command-line.ts';
import { openTrustServer } from '../../../../test/support/open-trust-server.ts';
import { openMetadataStorage } from '../../../server/index.ts';
import { type Listener, listen } from '../../../service/index.ts';
import { parseGun, ROOT, TARGETS, TIMESTAMP, type Version } from '../../../tuf/index.ts';

const START = new Date('2026-11-25T12:00:00Z');
const DAY = 86_400_000;
const GUN = parseGun('example.com/acme/app');
const SIGNED = ['--sha256', 'ab'.repeat(32)];

let world: CommandLineWorld;
let now = START;
let successor: { readonly url: string; stop(): Promise<void> } | undefined;

beforeEach(async () => {
  now = START;
  world = await openWorld(() => now);
});
afterEach(async () => {
  await successor?.stop();
  successor = undefined;
  await world.close();
});

const data = () => join(world.directory, 'data');
const kept = (...path: string[]) => join(world.directory, 'kept', ...path);
const NOTARY = {
  NOTARY_ROOT_PASSPHRASE: 'root-passphrase-of-tests',
  NOTARY_TARGETS_PASSPHRASE: 'repository-passphrase-of-tests',
  NOTARY_SNAPSHOT_PASSPHRASE: 'repository-passphrase-of-tests',
};
const notary = (user: string, server: string, ...argv: string[]) =>
  world.run(user, ['notary', '-d', world.trustDirectory(user), '-s', server, ...argv], NOTARY);
const owner = (...argv: string[]) => notary('owner', world.trustServer, ...argv);
const importInto = (...argv: string[]) => world.run('operator', ['import', kept(), ...argv, '--data', data()]);

/** A repository with three roots whose snapshot key is the server's, followed by somebody from the first root on. */
async function archived(...rotations: string[][]): Promise<void> {
  expect(await owner('init', GUN, '-p')).toMatchObject({ exitCode: 0 });
  expect(await owner('addhash', GUN, 'v1', '11', ...SIGNED, '-p')).toMatchObject({ exitCode: 0 });
  expect(await notary('follower', world.trustServer, 'list', GUN)).toMatchObject({ exitCode: 0 });
  for (const rotation of rotations)
    expect(await owner('key', 'rotate', GUN, ...rotation)).toMatchObject({ exitCode: 0 });
  await archiveAgain();
}

async function archiveAgain(): Promise<void> {
  expect(await world.run('operator', ['archive', '--output', kept(), GUN])).toMatchObject({ exitCode: 0 });
}

async function startSuccessor(): Promise<string> {
  const server = await openTrustServer(data(), () => now);
  const listener: Listener = listen({ fetch: server.fetch, tls: 'plain', hostname: '127.0.0.1', port: 0 });
  successor = {
    url: `http://127.0.0.1:${listener.port}`,
    stop: async () => {
      await listener.stop();
      await server.close();
    },
  };
  return successor.url;
}

async function inStorage<T>(
  look: (storage: Awaited<ReturnType<typeof openMetadataStorage>>['storage']) => Promise<T>,
): Promise<T> {
  const { storage, close } = await openMetadataStorage({ engine: 'sqlite', url: join(data(), 'server.db') });
  try {
    return await look(storage);
  } finally {
    await close();
  }
}

describe('hallmark import of an archive', () => {
  test('stores every root and every current file byte for byte, with one entry of the audit log', async () => {
    await archived(['snapshot', '-r'], ['targets']);

    const { exitCode, stdout, stderr } = await importInto();

    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${GUN}: 3 roots, 3 other files\n` });
    expect(stderr).toContain('its timestamp is valid until 2026-12-09');
    expect(stderr).toContain('does not hold its timestamp and snapshot key');
    expect(stderr).toContain(`key rotate ${GUN} timestamp snapshot --server-managed`);
    const place = kept('v2', ...GUN.split('/'), '_trust', 'tuf');
    await inStorage(async (storage) => {
      for (const version of [1, 2, 3]) {
        const file = await storage.byVersion(GUN, ROOT, version as Version);
        expect(Buffer.from(file?.bytes ?? [])).toEqual(readFileSync(join(place, `${version}.root.json`)));
      }
      const log = await storage.audit({ limit: 10 });
      expect(log.map(({ action, gun, actor }) => [action, gun, actor.name])).toEqual([['import', GUN, 'import']]);
      expect(await storage.changes({ from: 'oldest', limit: 10 })).toHaveLength(1);
    });
  });

  test('clients go on with the new address, and the publisher with one command', async () => {
    await archived(['snapshot', '-r'], ['targets']);
    await importInto();
    const url = await startSuccessor();
    for (const user of ['follower', 'newcomer'])
      expect(await notary(user, url, 'list', GUN)).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('v1'),
      });
    now = new Date(START.getTime() + 20 * DAY);
    expect(await notary('follower', url, 'list', GUN)).not.toMatchObject({ exitCode: 0 });

    for (const one of ['timestamp', 'snapshot'])
      expect(
        await world.run('owner', ['key', 'rotate', GUN, one, '--server-managed', '--server', url]),
      ).not.toMatchObject({
        exitCode: 0,
      });
    const both = ['key', 'rotate', GUN, 'timestamp', 'snapshot', '--server-managed', '--server', url];
    const rotated = await world.run('owner', both);

    expect(rotated).toMatchObject({
      exitCode: 0,
      stdout: `Successfully rotated timestamp and snapshot keys for repository ${GUN}\n`,
    });
    expect(await notary('owner', url, 'addhash', GUN, 'v2', '12', ...SIGNED, '-p')).toMatchObject({ exitCode: 0 });
    expect(rotated.stderr).toContain(
      'Warning: nobody has renewed the timestamp since 2026-12-09; going on from version',
    );
    for (const user of ['follower', 'newcomer', 'late'])
      expect(await notary(user, url, 'list', GUN)).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('v2'),
      });
  });

  test('where the publisher holds the snapshot key, the timestamp alone is enough', async () => {
    await archived();
    await importInto();
    const url = await startSuccessor();

    const rotated = await world.run('owner', ['key', 'rotate', GUN, 'timestamp', '--server', url]);

    expect(rotated).toMatchObject({ exitCode: 0 });
    expect(await notary('follower', url, 'list', GUN)).toMatchObject({ exitCode: 0 });
  });

  test('a second import of the same changes nothing; one of a newer archive adds what is new', async () => {
    await archived();
    await importInto();
    expect(await importInto()).toMatchObject({ exitCode: 0, stdout: `${GUN}: nothing new, all of it was there\n` });

    await owner('key', 'rotate', GUN, 'targets');
    await archiveAgain();

    expect(await importInto(GUN)).toMatchObject({ exitCode: 0, stdout: `${GUN}: 1 root, 3 other files\n` });
    await inStorage(async (storage) => {
      expect((await storage.audit({ limit: 10 })).map(({ action }) => action)).toEqual(['import', 'import']);
    });
  });

  test('S17 what the server has never goes back: an older archive is refused as a whole', async () => {
    await archived();
    await importInto();
    await owner('addhash', GUN, 'v2', '12', ...SIGNED, '-p');
    await world.run('operator', ['archive', '--output', join(world.directory, 'newer'), GUN]);
    const newer = ['import', join(world.directory, 'newer'), '--data', data()];
    expect(await world.run('operator', newer)).toMatchObject({ exitCode: 0 });

    const newest = await inStorage(async (storage) => (await storage.latest(GUN, TARGETS))?.version);
    const { exitCode, stderr } = await importInto();

    expect(exitCode).toBe(3);
    expect(stderr).toContain('1 of 1 repositories not imported');
    await inStorage(async (storage) => {
      expect((await storage.latest(GUN, TARGETS))?.version).toEqual(newest);
      expect(await storage.audit({ limit: 10 })).toHaveLength(2);
    });
  });

  test('S18 another repository under the same name is refused', async () => {
    await archived();
    await importInto();
    const other = await openWorld(() => now);
    try {
      const theirs = ['notary', '-d', other.trustDirectory('mallory'), '-s', other.trustServer];
      await other.run('mallory', [...theirs, 'init', GUN, '-p'], NOTARY);
      await other.run('mallory', [...theirs, 'addhash', GUN, 'v9', '1', ...SIGNED, '-p'], NOTARY);
      await other.run('mallory', ['archive', '--output', join(world.directory, 'theirs'), GUN]);
    } finally {
      await other.close();
    }
    const argv = ['import', join(world.directory, 'theirs'), '--data', data()];
    expect(await world.run('operator', argv)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('this server has another root 1'),
    });
  });

  test('S10 a file that its keys did not sign is not stored, whatever the archive says', async () => {
    await archived();
    const place = kept('v2', ...GUN.split('/'), '_trust', 'tuf', 'timestamp.json');
    const timestamp = JSON.parse(readFileSync(place, 'utf8'));
    timestamp.signed.version = 99;
    writeFileSync(place, JSON.stringify(timestamp));

    expect((await importInto()).exitCode).toBe(3);
    await inStorage(async (storage) => expect(await storage.latest(GUN, TIMESTAMP)).toBeUndefined());
  });

  test('what is no archive is told as that, with nothing about the trust directory', async () => {
    const file = join(world.directory, 'file');
    writeFileSync(file, '');
    for (const place of [file, world.directory, join(world.directory, 'none')]) {
      const refused = await world.run('operator', ['import', place, '--data', data()]);
      expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
      expect(refused.stderr).toContain(`no archive: ${place}`);
      expect(refused.stderr).not.toContain('--trust-dir');
    }
  });

  test('a GUN outside the prefixes of the server, memory, and an unclear target are refused', async () => {
    await archived();
    const config = join(world.directory, 'server.yaml');
    const write = (storage: string) =>
      writeFileSync(
        config,
        `server: { listen: '127.0.0.1:0', plaintext: true }\nstorage: ${storage}\nkeys: { storage: { engine: memory } }\nauth: { type: none }\nrepositories: { prefixes: [docker.io/] }\n`,
      );
    write(`{ engine: sqlite, file: ${join(world.directory, 'own.db')} }`);
    const run = (...argv: string[]) => world.run('operator', ['import', ...argv]);

    expect(await run(kept(), '--config', config)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`this server is not for ${GUN}`),
    });
    write('{ engine: memory }');
    expect(await run(kept(), '--config', config)).toMatchObject({ exitCode: 2 });
    expect(await run(kept())).toMatchObject({ exitCode: 2 });
    expect(await run()).toMatchObject({ exitCode: 2 });
    expect(await run(kept(), '--data', data(), '--signer-config', 'x')).toMatchObject({ exitCode: 2 });
    expect(await run(join(world.directory, 'none'), '--data', data())).toMatchObject({ exitCode: 1 });
  });
});
