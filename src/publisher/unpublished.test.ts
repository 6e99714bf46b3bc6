// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { memoryKeyStore } from '../../test/support/memory-keys.ts';
import { PASSPHRASES, ServerDouble, TestPublisher, targetOf } from '../../test/support/publishing-stage.ts';
import { refused } from '../../test/support/refusals.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import { MemoryMetadataCache } from '../client/index.ts';
import { kindOf, notaryV1, ROOT, type RoleName, SNAPSHOT, TARGETS } from '../tuf/index.ts';
import { changeDelegation } from './delegations.ts';
import { addTarget } from './tags.ts';
import { initializeLocally, loadUnpublished } from './unpublished.ts';

/** A repository made on this machine alone, with a publisher who goes on from it. */
async function made({ clientSnapshot = true } = {}) {
  const [cache, server, store] = [new MemoryMetadataCache(), new ServerDouble(), memoryKeyStore()];
  const keys = { store, passphrases: PASSPHRASES };
  const local = { gun: GUN, dialect: notaryV1, cache, now: NOW };
  await initializeLocally({ ...local, keys, server, clientSnapshot });
  return { cache, server, keys, local };
}

const versionIn = (cache: MemoryMetadataCache, role: RoleName) => {
  const file = cache.load(GUN, role);
  return file && (notaryV1.decode(kindOf(role), file).signed.version as number);
};

describe('a repository that was made and not published', () => {
  test('lies in the cache as Notary leaves it: everything of version 1, and nothing was sent', async () => {
    const { cache, server } = await made();
    expect([ROOT, TARGETS, SNAPSHOT].map((role) => versionIn(cache, role))).toEqual([1, 1, 1]);
    expect(server.sent).toEqual([]);
  });

  test('has no snapshot where the server signs it', async () => {
    const { cache } = await made({ clientSnapshot: false });
    expect(versionIn(cache, SNAPSHOT)).toBeUndefined();
  });

  test('is published with its root as it is, and the rest one version on', async () => {
    const { local, keys, server } = await made();
    const draft = loadUnpublished(local);
    if (draft === undefined) throw new Error('nothing to publish');
    addTarget(draft, TARGETS, NOW, 'v1', targetOf('one'));
    await server.publish(GUN, await draft.sign(notaryV1, keys, NOW));

    expect(server.versions(0)).toEqual({ root: 1, targets: 2, snapshot: 2 });
    const reader = new TestPublisher(server).client;
    expect([...((await reader.refresh()).targets.roles.get(TARGETS)?.signed.targets.keys() ?? [])]).toEqual(['v1']);
  });

  test('is none where the cache has none', () => {
    const local = { gun: GUN, dialect: notaryV1, cache: new MemoryMetadataCache(), now: NOW };
    expect(loadUnpublished(local)).toBeUndefined();
  });

  test('replaces what was trusted of the name before', async () => {
    const { cache, local, keys, server } = await made();
    cache.store(GUN, 'targets/old' as RoleName, new Uint8Array([1]));
    const before = cache.load(GUN, ROOT);
    await initializeLocally({ ...local, keys, server, clientSnapshot: true });
    expect(cache.load(GUN, 'targets/old' as RoleName)).toBeUndefined();
    expect(cache.load(GUN, ROOT)).not.toEqual(before as Uint8Array);
  });
});

describe('a repository that a server lost', () => {
  test('is published anew with its delegations, each signed again', async () => {
    const { local, keys, server, cache } = await made();
    const key = (await keys.store.list()).keys.find(({ role }) => role === 'targets')?.keyId;
    const signer = await keys.store.get(key as never, PASSPHRASES);
    const draft = loadUnpublished(local);
    if (draft === undefined) throw new Error('nothing to publish');
    changeDelegation(draft, 'targets/a' as RoleName, NOW, { addKeys: [signer.key], addPaths: [''] });
    addTarget(draft, 'targets/a' as RoleName, NOW, 'v1', targetOf('one'));
    for (const [role, file] of await draft.sign(notaryV1, keys, NOW)) cache.store(GUN, role, file);

    const restored = loadUnpublished(local);
    await server.publish(GUN, (await restored?.sign(notaryV1, keys, NOW)) ?? new Map());
    expect(server.versions(0)).toEqual({ root: 1, targets: 3, 'targets/a': 2, snapshot: 3 });
    const { targets } = await new TestPublisher(server).client.refresh();
    expect(targets.roles.get('targets/a' as RoleName)?.signed.targets.has('v1')).toBe(true);
  });
});

describe('S19 a cache that somebody changed is published by nobody', () => {
  test('a root or targets file that its keys did not sign', async () => {
    for (const role of [ROOT, TARGETS]) {
      const { local, cache } = await made();
      const text = new TextDecoder().decode(cache.load(GUN, role));
      const changed = text.replace(/"version":1/, '"version":7');
      cache.store(GUN, role, new TextEncoder().encode(changed));
      refused(() => loadUnpublished(local), { name: 'VerificationError', code: 'threshold', role });
    }
  });

  test('files that are no metadata', async () => {
    for (const role of [ROOT, TARGETS]) {
      const { local, cache } = await made();
      cache.store(GUN, role, new TextEncoder().encode('<html>'));
      refused(() => loadUnpublished(local), { name: 'VerificationError', code: 'malformed', role });
    }
  });

  test('another repository under this name', async () => {
    const { local, cache } = await made();
    const other = { ...local, gun: 'registry.example.com/acme/other' as typeof GUN };
    cache.store(other.gun, ROOT, cache.load(GUN, ROOT) as Uint8Array);
    refused(() => loadUnpublished(other), { code: 'unusable-root-key', role: 'root' });
  });
});
