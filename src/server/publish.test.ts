// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { signFile, testSigner } from '../../test/support/repository-builder.ts';
import { invalidUpdate, TrustStage } from '../../test/support/trust-stage.ts';
import { TARGETS, type Version, withRoleKeys } from '../tuf/index.ts';
import { CachedStorage, MemoryStorage } from './storage/index.ts';

const version = (number: number) => number as Version;
const DAY = 86_400_000;

describe('a publish', () => {
  test('of root and targets makes the server sign snapshot and timestamp', async () => {
    const stage = new TrustStage();
    const publisher = await stage.publisher();

    const files = publisher.addTarget('latest').all();

    const response = await stage.upload(publisher.gun, files);

    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(await stage.versions(publisher.gun, 'root', 'targets', 'snapshot', 'timestamp')).toEqual([1, 1, 1, 1]);
    expect(await stage.bytes(publisher.gun, 'targets.json')).toEqual(files.get('targets'));
  });

  test('with a snapshot of the publisher keeps that very snapshot', async () => {
    const stage = new TrustStage();
    const publisher = await stage.publisher('example.com/app', 'client');
    const files = publisher.addTarget('latest').all();

    await stage.upload(publisher.gun, files);

    expect(await stage.bytes(publisher.gun, 'snapshot.json')).toEqual(files.get('snapshot'));
  });

  test('of targets alone stands on the stored root, and versions may jump', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();
    publisher.targets = { ...publisher.targets, version: version(9) };

    const response = await stage.upload(publisher.gun, publisher.bump('targets').update('targets'));

    expect(response.status).toBe(200);
    expect(await stage.versions(publisher.gun, 'root', 'targets', 'snapshot', 'timestamp')).toEqual([1, 10, 2, 2]);
  });

  test('without files makes a new snapshot and timestamp where the server holds the snapshot key', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();

    expect((await stage.upload(publisher.gun, new Map())).status).toBe(200);
    expect(await stage.versions(publisher.gun, 'targets', 'snapshot', 'timestamp')).toEqual([1, 2, 2]);
  });

  test('file names may end in .json, and a timestamp is passed over, whatever it is', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();
    const file = publisher.bump('targets').file('targets');

    const files = new Map([
      ['targets.json', file],
      ['timestamp', Buffer.from('garbage')],
    ]);

    expect(await stage.refusal(publisher.gun, files)).toBeUndefined();
    expect(await stage.versions(publisher.gun, 'targets', 'timestamp')).toEqual([2, 2]);
  });

  test('a first root may have version 1 or 2, and no other', async () => {
    for (const [number, ok] of [
      [1, true],
      [2, true],
      [3, false],
    ] as const) {
      const stage = new TrustStage();
      const publisher = await stage.publisher();
      publisher.root = { ...publisher.root, version: version(number) };
      expect((await stage.upload(publisher.gun, publisher.all())).status === 200).toBe(ok);
    }
  });

  test('without a root, or without targets, is refused in the words of Notary', async () => {
    const stage = new TrustStage();
    const publisher = await stage.publisher();

    const rootless = await stage.refusal(publisher.gun, publisher.update('targets'));
    const targetless = await stage.refusal(publisher.gun, publisher.update('root'));

    expect(rootless).toEqual(invalidUpdate('ErrValidation', 'no pre-existing root and no root provided in update.'));
    expect(targetless).toEqual(invalidUpdate('ErrValidation', 'targets must be loaded first'));
    expect((await stage.get(publisher.gun, 'root.json')).status).toBe(404);
  });

  test('without a snapshot that only the publisher can sign is refused', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published('example.com/app', 'client');
    const files = publisher.bump('targets').update('targets');
    files.delete('snapshot');

    expect(await stage.refusal(publisher.gun, files)).toMatchObject({
      code: 'INVALID_UPDATE',
      detail: { Name: 'ErrBadHierarchy', Error: { Missing: 'snapshot' } },
    });
  });

  test('a timestamp key that this server does not hold is refused', async () => {
    const stage = new TrustStage();
    const publisher = await stage.publisher();
    publisher.root = withRoleKeys(publisher.root, 'timestamp', [testSigner().listed]);

    expect(await stage.refusal(publisher.gun, publisher.all())).toEqual(
      invalidUpdate('ErrBadRoot', 'no timestamp keys exist on the server'),
    );
  });

  test("the server does not sign for one GUN with another GUN's keys, nor with a key of another role", async () => {
    const stage = new TrustStage();
    const victim = await stage.published('example.com/victim', 'client');
    const attacker = await stage.publisher('example.com/attacker', 'client');
    const stolen = victim.root.keys.get(victim.root.roles.get('timestamp')?.keyIds[0] ?? ('' as never));
    attacker.root = withRoleKeys(attacker.root, 'timestamp', stolen === undefined ? [] : [stolen]);

    expect(await stage.refusal(attacker.gun, attacker.all())).toMatchObject({ detail: { Name: 'ErrBadRoot' } });
  });

  test('nothing older or equal is taken', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();
    const refused = { status: 400, code: 'VERSION', detail: {} };
    publisher.bump('targets', 'targets');
    await stage.upload(publisher.gun, publisher.update('targets'));

    expect(await stage.refusal(publisher.gun, publisher.update('targets'))).toEqual(refused);
    publisher.targets = { ...publisher.targets, version: version(2) };
    expect(await stage.refusal(publisher.gun, publisher.addTarget('x').update('targets'))).toEqual(refused);
    expect(await stage.refusal(publisher.gun, publisher.update('root'))).toEqual(refused);
  });

  test('S3 a version that clients could never get past is refused, and nothing is stored', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();
    for (const number of [2 ** 31 - 1, 2 ** 31, Number.MAX_SAFE_INTEGER, 1_000_002]) {
      publisher.targets = { ...publisher.targets, version: version(number) };
      expect(await stage.refusal(publisher.gun, publisher.update('targets'))).toMatchObject({
        code: 'INVALID_UPDATE',
        detail: { Name: 'ErrBadTargets', Error: { Msg: expect.stringContaining('too far above version 1') } },
      });
    }
    expect(await stage.versions(publisher.gun, 'targets', 'timestamp')).toEqual([1, 1]);
  });

  test('S2 expired files are refused', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();
    const expires = new Date('2026-11-22T14:16:41Z');
    publisher.targets = { ...publisher.targets, version: version(2), expires };

    expect(await stage.refusal(publisher.gun, publisher.update('targets'))).toEqual(
      invalidUpdate('ErrBadTargets', 'targets expired at Sun Nov 22 14:16:41 UTC 2026'),
    );
    const other = await stage.publisher('example.com/other');
    other.root = { ...other.root, expires };
    expect(await stage.refusal(other.gun, other.all())).toEqual(
      invalidUpdate('ErrBadRoot', 'root expired at Sun Nov 22 14:16:41 UTC 2026'),
    );
  });

  test('a wrong signature is refused under the name of its role', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published('example.com/app', 'client');
    publisher.signers.targets = testSigner();

    expect(await stage.refusal(publisher.gun, publisher.bump('targets').update('targets'))).toEqual(
      invalidUpdate('ErrBadTargets', 'valid signatures did not meet threshold for targets'),
    );
    const other = await stage.published('example.com/other', 'client');
    other.signers.snapshot = testSigner();
    expect(await stage.refusal(other.gun, other.update())).toEqual(
      invalidUpdate('ErrBadSnapshot', 'valid signatures did not meet threshold for snapshot'),
    );
  });

  test('a file without signatures is refused in the words of Notary', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();

    expect(
      await stage.refusal(publisher.gun, new Map([[TARGETS, signFile(publisher.bump('targets').targets)]])),
    ).toEqual(invalidUpdate('ErrBadTargets', 'tuf: data has no signatures'));
  });

  test('two publishers at once with one version: one wins, the other gets a conflict', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();
    publisher.bump('targets');
    const updates = ['a', 'b'].map((tag) => {
      publisher.addTarget(tag);
      return publisher.update('targets');
    });

    const outcomes = await Promise.all(updates.map((files) => stage.refusal(publisher.gun, files)));

    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(1);
    expect(outcomes.find((outcome) => outcome !== undefined)).toMatchObject({ code: 'VERSION' });
    expect(await stage.versions(publisher.gun, 'targets', 'timestamp')).toEqual([2, 2]);
  });

  test('two publishers at once in two delegations: both are stored, one after the other', async () => {
    const stage = new TrustStage();
    const publisher = await stage.publisher();
    const roles = [publisher.delegate('targets/a'), publisher.delegate('targets/b')];
    await stage.upload(publisher.gun, publisher.all());
    const updates = roles.map((role) => publisher.addTarget('x', 'x', role).bump(role).update(role));

    const outcomes = await Promise.all(updates.map((files) => stage.refusal(publisher.gun, files)));

    expect(outcomes).toEqual([undefined, undefined]);
    expect(await stage.versions(publisher.gun, 'targets/a', 'targets/b', 'timestamp')).toEqual([2, 2, 3]);
  });

  test('a replica judges by the root that is stored, not by one that it remembers', async () => {
    const storage = new MemoryStorage();
    const writer = new TrustStage({ storage });
    const other = new TrustStage({ storage: new CachedStorage(storage, { elapsed: () => 0 }), keys: writer.keys });
    const publisher = await writer.published();
    await other.get(publisher.gun, 'timestamp.key');
    const revoked = publisher.signers.targets;
    publisher.signers.targets = testSigner();
    publisher.root = withRoleKeys(publisher.root, 'targets', [publisher.signers.targets.listed]);
    await writer.upload(publisher.gun, publisher.bump('root', 'targets').update('root', 'targets'));

    const late = new Map([['targets', signFile(publisher.bump('targets').targets, revoked)]]);

    expect(await other.refusal(publisher.gun, late)).toMatchObject({ detail: { Name: 'ErrBadTargets' } });
  });

  test('stored targets that have expired make way for new ones', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();
    stage.now = publisher.now = new Date(stage.now.getTime() + 1100 * DAY);

    expect(await stage.refusal(publisher.gun, publisher.bump('targets').update('targets'))).toBeUndefined();
  });
});
