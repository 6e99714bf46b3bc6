// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { DIALECTS, GUN, NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { contextOf, fileOf, toRoot, toSnapshot, toTargets, toTimestamp } from '../../test/support/stages.ts';
import { makeRootKey } from '../../test/support/test-keys.ts';
import { ROOT, TIMESTAMP } from './names.ts';
import { TrustedRoot } from './trusted.ts';

const MINUTE = 60_000;
const PAST = new Date(NOW.getTime() - 1000);
const expired = (role: string) => ({ name: 'VerificationError', code: 'expired', role });

for (const dialect of DIALECTS) {
  describe(dialect.name, () => {
    describe('S2 S26 expiry of every role, on every use', () => {
      test('a timestamp', async () => {
        const repository = (await RepositorySimulator.create({ dialect })).publish({ timestamp: PAST });

        const error = refused(() => toTimestamp(repository), expired('timestamp'));
        expect(error).toMatchObject({ actual: PAST.toISOString(), expected: `after ${NOW.toISOString()}` });
      });

      test('a snapshot', async () => {
        const repository = (await RepositorySimulator.create({ dialect })).publish({ snapshot: PAST });

        refused(() => toSnapshot(repository), expired('snapshot'));
      });

      test('top-level targets', async () => {
        const repository = (await RepositorySimulator.create({ dialect })).set('targets', { expires: PAST }).publish();

        refused(() => toTargets(repository), expired('targets'));
      });

      test('S21 a delegation goes through the same check', async () => {
        const repository = (await RepositorySimulator.create({ dialect }))
          .delegate('targets/a')
          .tag('v1', 'one', 'targets/a');
        repository.set('targets/a', { expires: PAST }).publish();

        refused(() => toTargets(repository, {}, 'targets/a'), expired('targets/a'));
      });

      test('a root, as soon as something is to be trusted under it', async () => {
        const repository = (await RepositorySimulator.create({ dialect })).set('root', { expires: PAST }).publish();
        const root = toRoot(repository);

        refused(() => root.assertCurrent(), expired('root'));
        refused(() => root.updateTimestamp(fileOf(repository, TIMESTAMP)), expired('root'));
      });

      test('a root that has expired still names its successor', async () => {
        const repository = (await RepositorySimulator.create({ dialect })).set('root', { expires: PAST });
        const old = fileOf(repository, ROOT);
        await repository.rotate('root');
        const next = TrustedRoot.load(old, contextOf({ dialect })).updateRoot(fileOf(repository, ROOT));

        expect(next.signed.version as number).toBe(3);
        next.assertCurrent();
      });

      test('the very moment of expiry is still in time, a millisecond later is not', async () => {
        const repository = (await RepositorySimulator.create({ dialect })).publish({ timestamp: NOW });

        toTimestamp(repository, { now: NOW });
        refused(() => toTimestamp(repository, { now: new Date(NOW.getTime() + 1) }), expired('timestamp'));
      });

      test('S26 one moment holds for the whole update: that of its start', async () => {
        const repository = (await RepositorySimulator.create({ dialect })).publish({
          timestamp: new Date(NOW.getTime() + MINUTE),
          snapshot: new Date(NOW.getTime() + MINUTE),
        });
        const late = { now: new Date(NOW.getTime() + 2 * MINUTE) };

        toSnapshot(repository);
        refused(() => toTimestamp(repository, late), expired('timestamp'));
      });
    });
  });
}

describe('expiry of the root certificate', () => {
  const TEN_YEARS = 3650 * 24 * 60 * MINUTE;

  test('ends the trust in a root whose own metadata is still valid', async () => {
    const key = await makeRootKey(GUN, new Date(NOW.getTime() - TEN_YEARS - MINUTE));
    const repository = await RepositorySimulator.create({ rootKeys: [key] });
    const root = TrustedRoot.load(fileOf(repository, ROOT), contextOf());

    refused(() => root.updateTimestamp(fileOf(repository, TIMESTAMP)), { code: 'unusable-root-key', role: 'root' });
    refused(() => toRoot(repository), { code: 'unusable-root-key', role: 'root' });
  });

  test('W does not brick the repository: the expired certificate still authorises its successor', async () => {
    const key = await makeRootKey(GUN, new Date(NOW.getTime() - TEN_YEARS - MINUTE));
    const repository = await RepositorySimulator.create({ rootKeys: [key] });
    const old = fileOf(repository, ROOT);
    await repository.rotate('root');
    repository.publish();
    const next = TrustedRoot.load(old, contextOf()).updateRoot(fileOf(repository, ROOT));

    next.updateTimestamp(fileOf(repository, TIMESTAMP));
    expect(next.signed.roles.get('root')?.keyIds).toEqual(repository.keys.get(ROOT)?.map(({ id }) => id) ?? []);
  });
});
