// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { RepositoryBuilder } from '../../test/support/repository-builder.ts';
import { SigningStage, withoutPurpose } from '../../test/support/signing-stage.ts';
import { refusalOf, TrustStage } from '../../test/support/trust-stage.ts';
import { encodeBase64 } from '../encoding/index.ts';
import { withCalls } from '../service/index.ts';
import { RemoteSignerError } from '../signing/protocol/index.ts';
import { MemoryServiceKeys, ServiceKeyError, type ServiceKeys } from '../signing/service-keys/index.ts';
import { type KeyId, parseGun, SNAPSHOT, TARGETS, TIMESTAMP } from '../tuf/index.ts';

const signing = new SigningStage();
const service = await signing.start();
const remote = signing.connect(service);
afterAll(() => signing.close());

/** Keys whose signatures fail as `fail` says, by the number of the attempt. */
function failing(fail: (attempt: number) => Error | undefined): ServiceKeys & { attempts: number } {
  const keys = new MemoryServiceKeys();
  const broken = {
    attempts: 0,
    create: keys.create.bind(keys),
    info: keys.info.bind(keys),
    remove: keys.remove.bind(keys),
    signer: async (id: Parameters<ServiceKeys['signer']>[0]) => {
      const signer = await keys.signer(id);
      const sign = async (message: Uint8Array) => {
        const error = fail(++broken.attempts);
        if (error !== undefined) throw error;
        return (await keys.signer(id))?.sign(message) ?? new Uint8Array();
      };
      return signer && { key: signer.key, sign };
    },
  };
  return broken;
}

const stale = new RemoteSignerError('stale-version', 'version 7 is behind version 8');
const keyIdOf = (publisher: RepositoryBuilder, role: 'timestamp' | 'snapshot') =>
  publisher.root.roles.get(role)?.keyIds[0] as KeyId;
const update = (publisher: RepositoryBuilder) => publisher.bump('targets').addTarget('next').update('targets');

describe('a trust server whose keys a signing service holds', () => {
  test('publishes, gives keys, and renews what has expired', async () => {
    const stage = new TrustStage({ keys: remote });
    const publisher = await stage.published('example.com/remote');

    expect((await stage.upload(publisher.gun, update(publisher))).status).toBe(200);
    const key = await stage.get(publisher.gun, 'timestamp.key');
    const held = (await signing.keys.info(keyIdOf(publisher, 'timestamp')))?.key.bytes ?? new Uint8Array();
    expect(JSON.parse(await key.text()).keyval.public).toBe(encodeBase64(held));
    const before = signing.now;
    signing.now = stage.now = new Date(stage.now.getTime() + 20 * 86_400_000);
    expect(await stage.versions(publisher.gun, 'timestamp', 'snapshot')).toEqual([3, 2]);
    signing.now = before;
  });

  test('goes on with keys that are older than the notes of what they are for, as with any of the original', async () => {
    const old = new SigningStage(withoutPurpose(new MemoryServiceKeys()));
    const stage = new TrustStage({ keys: old.connect(await old.start()) });
    const publisher = await stage.published('example.com/old');

    expect((await stage.upload(publisher.gun, update(publisher))).status).toBe(200);
    expect(await stage.versions(publisher.gun, 'timestamp', 'snapshot', 'targets')).toEqual([2, 2, 2]);
    await old.close();
  });

  test('a repository that was deleted and is published again with the keys that it had begins at version 1', async () => {
    const stage = new TrustStage({ keys: remote });
    const publisher = await stage.published('example.com/again');
    const first = publisher.all();
    expect((await stage.upload(publisher.gun, update(publisher))).status).toBe(200);

    await stage.request('DELETE', `/v2/${publisher.gun}/_trust/tuf/`);
    expect((await stage.upload(publisher.gun, first)).status).toBe(200);
    expect(await stage.versions(publisher.gun, 'timestamp', 'snapshot')).toEqual([1, 1]);
    expect((await stage.upload(publisher.gun, update(publisher))).status).toBe(200);
  });

  test('which cannot keep a key under that name: 400, and the reason', async () => {
    const lacking = new MemoryServiceKeys();
    const text = 'the database of keys cannot hold example.com/app: it lacks characters of the name';
    const create = async () => Promise.reject(new ServiceKeyError('unstorable-name', text));
    const own = new SigningStage(withCalls<ServiceKeys>(lacking, { create }));
    for (const keys of [own.keys, own.connect(await own.start())]) {
      const answer = await new TrustStage({ keys }).get('example.com/app', 'timestamp.key');

      expect(await refusalOf(answer)).toMatchObject({
        status: 400,
        code: 'INVALID_GUN',
        detail: expect.stringContaining('lacks characters of the name'),
      });
    }
    expect(own.uses.map(({ phase }) => phase)).toEqual(['intent', 'failed']);
    await own.close();
  });

  test('while it cannot be reached, publishes and new keys are 503, what is stored is served, and nothing changes', async () => {
    const own = new SigningStage();
    const temporary = await own.start();
    // whoever is there has time to answer; whoever is not is soon given up
    let keys: ServiceKeys = own.connect(temporary);
    const stage = new TrustStage({
      keys: {
        create: (gun, role, algorithm) => keys.create(gun, role, algorithm),
        signer: (id) => keys.signer(id),
        info: (id) => keys.info(id),
        remove: (id) => keys.remove(id),
      },
    });
    const publisher = await stage.published('example.com/down');
    await temporary.stop();
    keys = own.connect(temporary, { limits: { deadlineMs: 200 } });

    const refused = await stage.refusal(publisher.gun, update(publisher));

    expect(refused).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
    expect((await stage.request('POST', `/v2/${publisher.gun}/_trust/tuf/timestamp.key`)).status).toBe(503);
    expect(await stage.versions(publisher.gun, 'timestamp', 'targets')).toEqual([1, 1]);
    stage.now = new Date(stage.now.getTime() + 20 * 86_400_000);
    // it could not be had: that is no expired timestamp (property 4)
    expect((await stage.get(publisher.gun, 'timestamp.json')).status).toBe(503);
    await own.close();
  });

  test('a version that another replica had signed meanwhile is judged again, not refused', async () => {
    const keys = failing((attempt) => (attempt === 3 ? stale : undefined));
    const stage = new TrustStage({ keys });
    const publisher = await stage.published();

    expect((await stage.upload(publisher.gun, update(publisher))).status).toBe(200);
    expect(keys.attempts).toBe(5);
  });

  test('where the storage went back behind what was signed, a publish is refused as outdated', async () => {
    let isBehind = false;
    const stage = new TrustStage({ keys: failing(() => (isBehind ? stale : undefined)) });
    const publisher = await stage.published();
    isBehind = true;

    expect(await stage.refusal(publisher.gun, update(publisher))).toMatchObject({ status: 400, code: 'VERSION' });
    stage.now = new Date(stage.now.getTime() + 20 * 86_400_000);
    expect((await stage.get(publisher.gun, 'timestamp.json')).status).toBe(200);
  });

  test('a key that was removed meanwhile counts as absent', async () => {
    let isRemoved = false;
    const keys = failing(() => (isRemoved ? new ServiceKeyError('not-found', 'removed') : undefined));
    const stage = new TrustStage({ keys });
    const publisher = await stage.published();
    isRemoved = true;
    for (const role of [TIMESTAMP, SNAPSHOT]) await keys.remove(keyIdOf(publisher, role));

    expect(await stage.refusal(publisher.gun, update(publisher))).toMatchObject({
      status: 400,
      code: 'INVALID_UPDATE',
    });
  });

  test.each(['refused', 'bad-answer', 'unknown'] as const)(
    'what it answers otherwise (%s) is an opaque 500',
    async (code) => {
      let isWrong = false;
      const stage = new TrustStage({
        keys: failing(() => (isWrong ? new RemoteSignerError(code, 'inner matters') : undefined)),
      });
      const publisher = await stage.published();
      isWrong = true;
      const response = await stage.upload(publisher.gun, update(publisher));
      expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining('inner')]);
    },
  );

  test("keys of Notary's signer, which tells no repository, are used for the role that they were made for", async () => {
    const keys = new MemoryServiceKeys();
    const untold: ServiceKeys = {
      create: keys.create.bind(keys),
      remove: keys.remove.bind(keys),
      signer: keys.signer.bind(keys),
      info: async (id) => {
        const info = await keys.info(id);
        return info && { ...info, gun: undefined, pending: undefined };
      },
    };
    const stage = new TrustStage({ keys: untold });
    const publisher = await stage.published();
    expect((await stage.upload(publisher.gun, update(publisher))).status).toBe(200);

    // listed for the wrong role: what the role says is all that is left to hold it against
    const targetsKey = await keys.create(parseGun('example.com/other'), TARGETS, 'ecdsa');
    const other = await RepositoryBuilder.create({
      gun: 'example.com/other',
      now: stage.now,
      timestampKey: targetsKey,
    });
    expect(await stage.refusal(other.gun, other.all())).toMatchObject({ code: 'INVALID_UPDATE' });
  });
});
