// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { TrustStage } from '../../../test/support/trust-stage.ts';
import { MemoryServiceKeys } from '../../signing/service-keys/index.ts';
import { parseGun, ROOT, type RoleName, SNAPSHOT, TARGETS, TIMESTAMP } from '../../tuf/index.ts';
import { MemoryStorage, type MetadataStorage } from '../index.ts';
import { importCollection } from './collection.ts';

const gun = parseGun('example.com/app');
const ROLES = [ROOT, TARGETS, SNAPSHOT, TIMESTAMP] as const;

/** What a server has of the repository now, as a copy of it. */
async function copyOf(storage: MetadataStorage, at: Date) {
  const found = await Promise.all(ROLES.map(async (role) => [role, await storage.latest(gun, role)] as const));
  const files = new Map(found.map(([role, file]) => [role as RoleName, file?.bytes ?? new Uint8Array()]));
  const root = found[0]?.[1];
  if (root === undefined) throw new Error('nothing was published');
  return { gun, roots: [{ version: root.version, file: root.bytes }], files, at };
}

/** A repository that goes on here and there from one state: with new targets on the target, without any in the copy. */
async function forked() {
  const keys = new MemoryServiceKeys();
  const stage = () => new TrustStage({ keys, storage: new MemoryStorage() });
  const [source, target] = [stage(), stage()];
  const into = { storage: target.storage, keys, prefixes: [], clock: () => target.now, close: async () => {} };
  const publisher = await source.published(gun);
  await importCollection(await copyOf(source.storage, source.now), into);
  for (let update = 0; update < 3; update++) expect((await source.upload(gun, new Map())).status).toBe(200);
  const publish = async () => (await target.upload(gun, publisher.bump('targets').update('targets'))).status;
  return { copy: await copyOf(source.storage, source.now), into, target, publish };
}

test('S17 a publish that comes while a copy is being compared is not undone by the copy, whenever it comes', async () => {
  for (let moment = 1; moment <= ROLES.length; moment++) {
    const { copy, into, target, publish } = await forked();
    const latest = into.storage.latest.bind(into.storage);
    let asked = 0;
    into.storage.latest = async (name, role) => {
      const file = await latest(name, role);
      if (++asked === moment) expect(await publish()).toBe(200);
      return file;
    };

    const outcome = await importCollection(copy, into).catch((error: Error) => error.name);
    expect(['VerificationError', 'ConflictError']).toContain(String(outcome));
    expect(await target.versions(gun, 'timestamp', 'snapshot', 'targets')).toEqual([2, 2, 2]);
  }
});
