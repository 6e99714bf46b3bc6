// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TrustStage } from '../../test/support/trust-stage.ts';
import { SILENT_LOG } from '../service/index.ts';
import { ConflictError, MemoryStorage } from './storage/index.ts';

const DAY = 86_400_000;

async function published(snapshot: 'server' | 'client' = 'server') {
  const stage = new TrustStage();
  const publisher = await stage.published('example.com/app', snapshot);
  return {
    stage,
    publisher,
    gun: publisher.gun,
    wait: (days: number) => {
      stage.now = new Date(stage.now.getTime() + days * DAY);
    },
    changes: async () => (await stage.storage.changes({ from: 'oldest', limit: 100 })).length,
  };
}

describe('what the server signs', () => {
  test('is left alone as long as it has not expired', async () => {
    const { stage, gun, wait, changes } = await published();
    wait(13.9);

    expect(await stage.versions(gun, 'timestamp', 'snapshot')).toEqual([1, 1]);
    expect(await changes()).toBe(1);
  });

  test('an expired timestamp is made anew when it is asked for, over the same snapshot', async () => {
    const { stage, gun, wait, changes } = await published();
    wait(15);

    const timestamp = await stage.read(gun, 'timestamp.json');

    expect([timestamp.version, new Date(timestamp.expires)]).toEqual([2, new Date(stage.now.getTime() + 14 * DAY)]);
    expect(await stage.versions(gun, 'snapshot', 'timestamp')).toEqual([1, 2]);
    expect((await stage.read(gun, '1.timestamp.json')).version).toBe(1);
    expect(await changes()).toBe(2);
  });

  test('an expired snapshot is made anew, with a timestamp over it', async () => {
    const { stage, gun, wait } = await published();
    wait(1100);

    expect(await stage.versions(gun, 'snapshot', 'timestamp')).toEqual([2, 2]);
    expect((await stage.get(gun, 'targets.json')).status).toBe(200);
  });

  test('requests for anything else make nothing anew', async () => {
    const { stage, gun, wait, changes } = await published();
    wait(15);
    for (const file of ['root.json', 'targets.json', '1.timestamp.json', 'timestamp.key']) await stage.get(gun, file);

    expect(await changes()).toBe(1);
  });

  test('many who ask at once get one new timestamp', async () => {
    const { stage, gun, wait, changes } = await published();
    wait(15);

    const versions = await stage.versions(gun, ...Array(20).fill('timestamp'));

    expect(new Set(versions)).toEqual(new Set([2]));
    expect(await changes()).toBe(2);
  });

  test('two replicas that renew at once agree on one new timestamp', async () => {
    const storage = new MemoryStorage();
    const first = new TrustStage({ storage });
    const second = new TrustStage({ storage, keys: first.keys });
    const { gun } = await first.published();
    first.now = second.now = new Date(first.now.getTime() + 15 * DAY);

    const [one, two] = await Promise.all([first.bytes(gun, 'timestamp.json'), second.bytes(gun, 'timestamp.json')]);

    expect(one).toBeDefined();
    expect(one as Uint8Array).toEqual(two as Uint8Array);
    expect(await storage.changes({ from: 'oldest', limit: 10 })).toHaveLength(2);
  });

  test("a publisher's expired snapshot cannot be renewed: it is given as it is, for clients to judge", async () => {
    const { stage, gun, wait, changes } = await published('client');
    wait(1100);

    expect(await stage.versions(gun, 'snapshot', 'timestamp')).toEqual([1, 1]);
    expect(await changes()).toBe(1);
  });

  test('S2 nothing is signed on the word of an expired root', async () => {
    const { stage, gun, wait, changes } = await published();
    wait(3700);

    expect(await stage.versions(gun, 'snapshot', 'timestamp')).toEqual([1, 1]);
    expect(await changes()).toBe(1);
  });

  test('S23 what cannot be renewed is tried once a minute, however often it is asked for', async () => {
    const warned: object[] = [];
    const stage = new TrustStage({ log: { ...SILENT_LOG, warn: (fields) => void warned.push(fields) } });
    const publisher = await stage.published('example.com/app');
    const ask = async () => {
      for (let time = 0; time < 5; time++) expect(await stage.versions(publisher.gun, 'timestamp')).toEqual([1]);
      return warned.length;
    };
    const end = publisher.root.expires.getTime();

    stage.now = new Date(end + DAY);
    expect(await ask()).toBe(1);
    stage.now = new Date(stage.now.getTime() + 61_000);
    expect(await ask()).toBe(2);
  });

  test('expired targets do not keep the timestamp from being fresh', async () => {
    const { stage, publisher, gun, wait } = await published();
    publisher.targets = { ...publisher.targets, expires: new Date(stage.now.getTime() + DAY) };
    await stage.upload(gun, publisher.update('targets'));
    publisher.targets = { ...publisher.targets, version: 2 as never };
    await stage.upload(gun, publisher.update('targets'));
    wait(15);

    expect(await stage.versions(gun, 'timestamp')).toEqual([3]);
  });

  test('a publish that comes in between wins', async () => {
    const storage = new MemoryStorage();
    const stage = new TrustStage({ storage });
    const publisher = await stage.published();
    stage.now = publisher.now = new Date(stage.now.getTime() + 15 * DAY);
    const commit = storage.commit.bind(storage);
    storage.commit = async (gun, base) => {
      storage.commit = commit;
      expect((await stage.upload(gun, publisher.bump('targets').update('targets'))).status).toBe(200);
      throw new ConflictError(gun, base?.version);
    };

    expect(await stage.versions(publisher.gun, 'timestamp')).toEqual([2]);
    expect(await stage.versions(publisher.gun, 'targets')).toEqual([2]);
  });

  test('a signer that fails is an opaque error, and the next request tries again', async () => {
    const { stage, gun, wait } = await published();
    wait(15);
    const signer = stage.keys.signer.bind(stage.keys);
    stage.keys.signer = async () => {
      throw new Error('secret detail');
    };
    const failed = await stage.get(gun, 'timestamp.json');

    stage.keys.signer = signer;

    expect([failed.status, await failed.text()]).toEqual([
      500,
      '{"errors":[{"code":"UNKNOWN","message":"unknown error"}]}\n',
    ]);
    expect(await stage.versions(gun, 'timestamp')).toEqual([2]);
  });
});
