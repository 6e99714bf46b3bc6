// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TestClient, versionsOf } from '../../test/support/client.ts';
import { type Refusal, rejected } from '../../test/support/refusals.ts';
import { GUN, NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { resigned, signedFile } from '../../test/support/signed-files.ts';
import { makeKey, makeRootKey } from '../../test/support/test-keys.ts';
import { type MetaFile, nextVersion, notaryV1, parseGun, ROOT, type RoleName, withRoleKeys } from '../tuf/index.ts';
import { MemoryMetadataCache } from './metadata-cache.ts';

const RELEASES = 'targets/releases';
const ROLES = ['root', 'timestamp', 'snapshot', 'targets', RELEASES];

async function publishedTwice() {
  const repository = (await RepositorySimulator.create())
    .delegate(RELEASES)
    .tag('v1', 'one', RELEASES)
    .tag('v1')
    .publish();
  const before = repository.served;
  const client = new TestClient(repository);
  await client.refresh();
  repository.tag('v2', 'two', RELEASES).tag('v2').publish();
  return { repository, before, client };
}

/** A refresh that must fail like this, and leave the trusted files byte for byte. */
async function refusedUnchanged(client: TestClient, expected: Refusal): Promise<Error> {
  const trusted = client.trusted(...ROLES);
  const error = await rejected(client.refresh(), expected);
  expect(client.trusted(...ROLES)).toEqual(trusted);
  return error;
}

/** The file with another letter in its last signature: still base64, no longer valid. */
function broken(file: Uint8Array): Uint8Array {
  const at = file.length - 20;
  return file.with(at, file[at] === 0x41 ? 0x42 : 0x41);
}

/** Lists delegations that nobody has made, each pinned to the same file. */
function announce(repository: RepositorySimulator, count: number, pin: MetaFile): void {
  const names = Array.from({ length: count }, (_, index) => `targets/r${index}` as RoleName);
  repository.snapshotTrick = (meta) => {
    for (const name of names) meta.set(name, pin);
  };
  repository.edit('targets', (targets) => {
    const roles = names.map((name) => ({ name, keyIds: [], paths: [''], threshold: 1 }));
    return { ...targets, delegations: { keys: new Map(), roles } };
  });
}

describe('a server that replays', () => {
  test('S17 an old state, as a whole: refused by what the client trusted before', async () => {
    const { repository, before, client } = await publishedTwice();
    await client.refresh();
    repository.replay(before);

    await refusedUnchanged(client, { code: 'rollback', role: 'timestamp' });
  });

  test('S17 an old state to a client whose cache was deleted: refused by its marks', async () => {
    const { repository, before, client } = await publishedTwice();
    await client.refresh();
    client.cache.remove(GUN);
    repository.replay(before);

    await refusedUnchanged(client, { code: 'rollback', role: 'timestamp' });
    repository.honest();
    expect(versionsOf(await client.refresh())).toMatchObject({ timestamp: 3 });
  });

  test('S17 the root of before, to a client whose cache was deleted', async () => {
    const { repository, client } = await publishedTwice();
    const before = repository.served;
    await repository.rotate('root');
    repository.publish();
    await client.refresh();
    client.cache.remove(GUN);
    repository.replay(before).answer('2.root.json', undefined);

    await refusedUnchanged(client, { code: 'rollback', role: 'root' });
  });

  test('S17 another repository under the same name, to a client whose cache was deleted: no first use again', async () => {
    const { client } = await publishedTwice();
    await client.refresh();
    client.cache.remove(GUN);
    const other = await RepositorySimulator.create();
    await other.tag('v9').publish().rotate('root');
    other.publish();

    await refusedUnchanged(client.against(other), { code: 'rollback', role: 'root' });
  });

  test('S17 a root that was followed is remembered at once, though what came with it was refused', async () => {
    const { repository, client } = await publishedTwice();
    await client.refresh();
    const before = repository.served;
    await repository.rotate('root');
    repository.publish().answer('timestamp.json', new Uint8Array([0x7b]));
    await expect(client.refresh()).rejects.toMatchObject({ code: 'malformed' });

    client.cache.remove(GUN);
    repository.honest().replay(before).answer('2.root.json', undefined);
    await expect(client.refresh()).rejects.toMatchObject({ code: 'rollback', role: 'root' });
  });

  for (const role of ['snapshot', 'targets', RELEASES]) {
    test(`mix-and-match: ${role} of another time under today's name`, async () => {
      const { repository, before, client } = await publishedTwice();
      const current = repository.files.get(role as RoleName) as Uint8Array;
      const name = [...repository.served].find(([key, file]) => file === current && key !== `${role}.json`)?.[0] ?? '';
      const old = before.get(`${role}.json`) as Uint8Array;
      repository.answer(name, old);

      await refusedUnchanged(client, {
        code: old.length === current.length ? 'hash-mismatch' : 'length-mismatch',
        role,
      });
    });
  }

  test('metadata of another GUN under this one', async () => {
    const gun = parseGun('registry.example.com/acme/other');
    const other = await RepositorySimulator.create({ gun });
    const repository = await RepositorySimulator.create();
    const client = new TestClient(repository);
    repository.replay(other.served);

    await refusedUnchanged(client, { code: 'unusable-root-key', role: 'root' });
    repository.honest();
    await client.refresh();
    repository.replay(other.served, 'timestamp.json');
    await refusedUnchanged(client, { code: 'threshold', role: 'timestamp' });
  });
});

describe('a server that tampers', () => {
  for (const role of ROLES) {
    test(`S19 with ${role} at first use: nothing is kept`, async () => {
      const repository = (await RepositorySimulator.create()).delegate(RELEASES).tag('v1', 'one', RELEASES).publish();
      const file = repository.files.get(role as RoleName) as Uint8Array;
      const name = [...repository.served].filter(([, bytes]) => bytes === file).map(([key]) => key);
      for (const key of name) repository.answer(key, broken(file));

      await refusedUnchanged(new TestClient(repository), {
        code: role === 'root' || role === 'timestamp' ? 'threshold' : 'hash-mismatch',
        role,
      });
    });

    test(`S19 with ${role} later: what was trusted stays`, async () => {
      const { repository, client } = await publishedTwice();
      if (role === 'root') await repository.rotate('timestamp');
      repository.publish();
      const file = repository.files.get(role as RoleName) as Uint8Array;
      for (const [key, bytes] of repository.served) if (bytes === file) repository.answer(key, broken(bytes));
      const code = role === 'root' ? 'root-chain' : role === 'timestamp' ? 'threshold' : 'hash-mismatch';

      await refusedUnchanged(client, { code, role });
    });
  }

  test('S18 S19 a root of a stranger is not trusted and not on disk', async () => {
    const { repository, client } = await publishedTwice();
    const stranger = await makeRootKey(GUN, NOW);
    const evil = withRoleKeys(nextVersion(repository.root, NOW), 'root', [stranger.listed]);
    repository.answer('2.root.json', signedFile(evil, [stranger])).answer('timestamp.json', new Uint8Array([0x7b]));

    await refusedUnchanged(client, { code: 'root-chain', role: 'root' });
  });

  test('a root that the chain made trusted is kept, whatever comes after it', async () => {
    const { repository, client } = await publishedTwice();
    await repository.rotate('timestamp');
    repository.publish().answer('snapshot.json', undefined);
    const snapshot = repository.files.get('snapshot' as RoleName);
    for (const [name, bytes] of repository.served) if (bytes === snapshot) repository.answer(name, 'unreachable');
    await rejected(client.refresh(), { code: 'unreachable' });

    expect(client.cache.load(GUN, ROOT)).toEqual(repository.files.get(ROOT) as Uint8Array);
  });

  test('S22 garbage in the place of every file is a typed refusal', async () => {
    for (const garbage of ['', '{}', 'null', '<html>', '\0'.repeat(300), '['.repeat(5000)]) {
      const { repository, client } = await publishedTwice();
      repository.answer('*', new TextEncoder().encode(garbage));

      await refusedUnchanged(client, { code: 'malformed' });
    }
  });

  test('an endless chain of roots comes to an end', async () => {
    const repository = await RepositorySimulator.create();
    const client = new TestClient(repository);
    await client.refresh();
    const keys = repository.keys.get(ROOT) ?? [];
    let { root } = repository;
    for (let count = 0; count < 1030; count++) {
      root = nextVersion(root, NOW);
      repository.answer(`${root.version}.root.json`, signedFile(root, keys));
    }
    repository.answer('timestamp.json', new Uint8Array([0x7b]));

    await refusedUnchanged(client, { code: 'root-chain', role: 'root' });
  });
});

describe('delegations that fail', () => {
  test('expired or unsigned ones are passed over with all below them, and named', async () => {
    const repository = await RepositorySimulator.create();
    repository.delegate('targets/a').delegate('targets/a/x').delegate('targets/b');
    for (const role of ['targets/a', 'targets/a/x', 'targets/b']) repository.tag('v1', role, role);
    repository.set('targets/a', { expires: new Date(NOW.getTime() - 1) }).publish();
    repository.substitute(
      'targets/b',
      resigned(repository.files.get('targets/b' as RoleName) as Uint8Array, () => {}, [makeKey()]),
    );
    const client = new TestClient(repository);
    const { refused, targets } = await client.refresh();

    expect([...refused].map(([role, { error }]) => `${role} ${error.code}`)).toEqual([
      'targets/a expired',
      'targets/b threshold',
    ]);
    expect([...targets.roles.keys()] as string[]).toEqual(['targets']);
    expect(client.trusted('targets/a', 'targets/b')).toEqual([undefined, undefined]);
  });

  test('any other fault ends the update', async () => {
    const { repository, client } = await publishedTwice();
    const file = repository.files.get(RELEASES as RoleName) as Uint8Array;
    repository.substitute(
      RELEASES,
      resigned(file, (body) => body.delete('expires'), repository.keys.get(RELEASES as RoleName) ?? []),
    );

    await refusedUnchanged(client, { code: 'malformed', role: RELEASES });
  });

  test('S23 more of them than anybody needs are not even asked for', async () => {
    const repository = await RepositorySimulator.create();
    announce(repository, 1000, notaryV1.pin(new Uint8Array([1])));
    const client = new TestClient(repository.publish());
    repository.takeRequests();

    await refusedUnchanged(client, { code: 'malformed', role: 'targets' });
    expect(repository.takeRequests().filter((name) => name.startsWith('targets/'))).toEqual([]);
  });

  test.each([
    [4, 4, { name: 'DownloadError' }],
    [5, 0, { code: 'malformed', role: 'targets' }],
  ] as const)(
    'S23 more bytes of them than anybody needs are not even asked for: %d of 64 MiB each',
    async (count, asked, refusal) => {
      const repository = await RepositorySimulator.create();
      announce(repository, count, { ...notaryV1.pin(new Uint8Array([1])), length: 1 << 26 });
      const client = new TestClient(repository.publish());
      repository.takeRequests();

      await refusedUnchanged(client, refusal);
      expect(repository.takeRequests().filter((name) => name.startsWith('targets/'))).toHaveLength(asked);
    },
  );

  test('one that is announced and missing is no delegation to be passed over', async () => {
    const { repository, client } = await publishedTwice();
    const file = repository.files.get(RELEASES as RoleName);
    for (const [name, bytes] of repository.served) if (bytes === file) repository.answer(name, undefined);

    await refusedUnchanged(client, { code: 'not-found' });
  });
});

describe('S3 recovery', () => {
  test('a fast-forwarded timestamp key is taken away, and clients go on', async () => {
    const { repository, client } = await publishedTwice();
    repository.continueFrom({ timestamp: 2 ** 50 }).publish();
    await client.refresh();
    await repository.rotate('timestamp');
    repository.continueFrom({ timestamp: 3 }).tag('v3').publish();

    expect(versionsOf(await client.refresh())).toMatchObject({ timestamp: 4, root: 2 });
    expect(
      versionsOf(await new TestClient(repository, { marks: client.marks, cache: new MemoryMetadataCache() }).refresh()),
    ).toMatchObject({ timestamp: 4 });
  });
});
