// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Updater } from 'tuf-js';
import { encodeUtf8 } from '../../src/encoding/index.ts';
import {
  type KeyAlgorithm,
  nextVersion,
  ROOT,
  type RoleName,
  sha256Hex,
  TARGETS,
  TIMESTAMP,
  tufV1,
  withRoleKeys,
} from '../../src/tuf/index.ts';
import { RepositorySimulator } from '../support/repository-simulator.ts';
import { scratchDirectories } from '../support/scratch.ts';
import { makeKeyFor } from '../support/test-keys.ts';
import { TufUser } from '../support/users.ts';

const scratch = scratchDirectories();
const servers: { stop(closeActive: boolean): unknown }[] = [];
afterAll(() => {
  for (const server of servers) server.stop(true);
});
const name = (text: string) => text as RoleName;

/** A repository of ours, made now: the other client reads the real clock. */
function created(): Promise<RepositorySimulator> {
  return RepositorySimulator.create({ dialect: tufV1, now: new Date(Math.floor(Date.now() / 1000) * 1000) });
}

/** A user of another implementation, with a directory of its own. */
function otherClient(repository: RepositorySimulator) {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const file = repository.served.get(new URL(request.url).pathname.slice(1));
      return file === undefined ? new Response(null, { status: 404 }) : new Response(Buffer.from(file));
    },
  });
  servers.push(server);
  const metadataDir = join(scratch(), 'metadata');
  mkdirSync(metadataDir);
  writeFileSync(join(metadataDir, 'root.json'), repository.served.get('1.root.json') ?? '');
  const updater = () =>
    new Updater({ metadataDir, metadataBaseUrl: `http://127.0.0.1:${server.port}`, config: { fetchRetries: 0 } });
  return {
    refresh: () => updater().refresh(),
    lookup: async (path: string) => (await updater().getTargetInfo(path))?.hashes.sha256,
  };
}

/** Both clients find the same content for every path. */
async function expectAgreement(repository: RepositorySimulator, ...paths: readonly string[]): Promise<void> {
  const [ours, theirs] = [new TufUser(repository), otherClient(repository)];
  for (const path of paths) {
    const found = await ours.lookup(path);
    expect({ path, found: await theirs.lookup(path) }).toEqual({ path, found });
  }
}

describe('metadata of our making, read by an independent client', () => {
  test('top-level targets, and one that is not there', async () => {
    const repository = (await created()).tag('v1', 'one').tag('dir/ü "x" \\ y', 'two').publish();

    await expectAgreement(repository, 'v1', 'dir/ü "x" \\ y', 'v9');
    expect(await otherClient(repository).lookup('v1')).toBe(sha256Hex(encodeUtf8('one')));
  });

  test('keys of every kind, and thresholds', async () => {
    const repository = await created();
    const keys = (['ecdsa', 'ed25519', 'rsa'] as readonly KeyAlgorithm[]).map((algorithm) =>
      makeKeyFor(tufV1, algorithm),
    );
    await repository.rotate('targets', keys, 3);
    await repository.rotate('timestamp', keys, 2);
    const root = repository.keys.get(ROOT) ?? [];
    const next = withRoleKeys(
      nextVersion(repository.root, repository.now),
      'root',
      keys.map((key) => key.listed),
      2,
    );
    repository.serveRoot(next, [...root, ...keys]);

    await expectAgreement(repository.tag('v1', 'one').publish(), 'v1');
  });

  test('delegations by pattern, by hash, terminating, in their order', async () => {
    const first = sha256Hex(encodeUtf8('hashed')).slice(0, 2);
    const repository = (await created())
      .delegateFrom('targets', { name: name('a'), patterns: ['a/*', 'x-?'] })
      .delegateFrom('targets', { name: name('b'), patterns: ['a/*'], terminating: true })
      .delegateFrom('targets', { name: name('c'), patterns: ['a/*', 'x-?', 'c'] })
      .delegateFrom('targets', { name: name('bin'), hashPrefixes: [first] })
      .delegateFrom('a', { name: name('deep'), patterns: ['a/deep'] })
      .tag('a/1', 'by a', 'a')
      .tag('a/1', 'by b', 'b')
      .tag('a/2', 'by b', 'b')
      .tag('a/3', 'by c', 'c')
      .tag('x-1', 'by c', 'c')
      .tag('c', 'by c', 'c')
      .tag('a/deep', 'deep', 'deep')
      .tag('hashed', 'hashed', 'bin')
      .tag('outside', 'by a', 'a')
      .publish();

    await expectAgreement(repository, 'a/1', 'a/2', 'a/3', 'x-1', 'x-12', 'c', 'a/deep', 'hashed', 'outside');
    expect(await new TufUser(repository).lookup('a/3')).toBeUndefined();
  });

  test('succinct delegations', async () => {
    const repository = await created();
    const key = makeKeyFor(tufV1);
    const paths = ['a', 'b', 'c', 'd', 'e'];
    repository.delegations('targets', () => ({
      keys: new Map([[key.id, key.listed]]),
      roles: [],
      succinct: { keyIds: [key.id], threshold: 1, bits: 3, namePrefix: 'bin' },
    }));
    for (const path of paths) {
      const bin = name(`bin-${(Number.parseInt(sha256Hex(encodeUtf8(path)).slice(0, 2), 16) >> 5).toString(16)}`);
      repository.keys.set(bin, [key]);
      repository.tag(path, `content of ${path}`, bin);
    }

    await expectAgreement(repository.publish(), ...paths);
  });

  test('after rotations and new versions, with the state of before', async () => {
    const repository = (await created()).tag('v1', 'one').publish();
    const theirs = otherClient(repository);
    await theirs.refresh();
    for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const) await repository.rotate(role);
    repository.tag('v1', 'two').publish();

    expect(await theirs.lookup('v1')).toBe(sha256Hex(encodeUtf8('two')));
  });

  test('it refuses what ours refuses: signatures and hashes are what they should be', async () => {
    for (const role of [TIMESTAMP, TARGETS]) {
      const repository = (await created()).tag('v1', 'one').publish();
      repository.keys.set(role, [makeKeyFor(tufV1)]);
      repository.tag('v2').publish();

      await expect(otherClient(repository).refresh()).rejects.toThrow();
      await expect(new TufUser(repository).refresh()).rejects.toThrow();
    }
  });
});
