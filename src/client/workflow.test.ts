// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { rejected } from '../../test/support/refusals.ts';
import { DIALECTS, NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { resigned } from '../../test/support/signed-files.ts';
import { type TestUser, userOf } from '../../test/support/users.ts';
import { encodeUtf8 } from '../encoding/index.ts';
import { hash, type RoleName, SNAPSHOT, sha256Hex, TARGETS, TIMESTAMP } from '../tuf/index.ts';

const A = 'targets/a' as RoleName;
const TOP = ['root', 'timestamp', 'snapshot', 'targets'];
const PAST = new Date(NOW.getTime() - 5 * 86_400_000);
const ONE = sha256Hex(encodeUtf8('one'));

for (const dialect of DIALECTS) {
  const opened = async () => {
    const repository = (await RepositorySimulator.create({ dialect })).tag('v1', 'one').publish();
    const user = userOf(repository);
    await user.refresh();
    return { repository, user };
  };

  /** A refresh that fails and leaves what was trusted of this role as it was. */
  const refusedFor = async (user: TestUser, role: string, code: string) => {
    const before = user.versions(role);
    const error = await rejected(user.refresh(), { code });
    expect(user.versions(role)).toEqual(before);
    return error;
  };

  describe(`${dialect.name}: a refresh`, () => {
    test('trusts what was published, and the newest of it after the next', async () => {
      const { repository, user } = await opened();
      expect(user.versions(...TOP)).toEqual({ root: 1, timestamp: 2, snapshot: 2, targets: 2 });

      repository.tag('v2').publish();
      expect(await user.lookup('v1')).toBe(ONE);
      expect(user.versions(...TOP)).toEqual({ root: 1, timestamp: 3, snapshot: 3, targets: 3 });
    });

    test('keeps the bytes as they came, white space included', async () => {
      const { repository, user } = await opened();
      repository.tag('v2').publish();
      const spaced = new Uint8Array([...(repository.files.get(TIMESTAMP) as Uint8Array), 0x20]);
      repository.answer('timestamp.json', spaced);
      await user.refresh();

      expect(user.file('timestamp')).toEqual(spaced);
    });

    for (const role of [TIMESTAMP, SNAPSHOT, TARGETS]) {
      test(`S15 ${role} without its signature`, async () => {
        const { repository, user } = await opened();
        repository.keys.set(role, []);
        repository.tag('v2').publish();

        await refusedFor(user, role, 'threshold');
      });
    }

    test('S22 a snapshot in the place of the timestamp, signed by its key', async () => {
      const { repository, user } = await opened();
      const keys = repository.keys.get(TIMESTAMP) ?? [];
      repository.answer(
        'timestamp.json',
        resigned(repository.files.get(SNAPSHOT) as Uint8Array, (body) => body.set('version', 3), keys),
      );

      await refusedFor(user, 'timestamp', 'malformed');
    });

    for (const role of [SNAPSHOT, TARGETS]) {
      test(`S36 ${role} that is announced and not there`, async () => {
        const { repository, user } = await opened();
        repository.tag('v2').publish();
        for (const [name, file] of repository.served)
          if (file === repository.files.get(role)) repository.answer(name, undefined);

        await refusedFor(user, role, 'not-found');
      });

      test(`${role} whose hash is not the announced one`, async () => {
        const { repository, user } = await opened();
        repository.tag('v2').publish();
        const good = repository.files.get(role) as Uint8Array;
        const other = good.with(good.length - 8, (good[good.length - 8] as number) ^ 1);
        for (const [name, file] of repository.served) if (file === good) repository.answer(name, other);

        await refusedFor(user, role, 'hash-mismatch');
      });
    }

    test('S36 a timestamp that is not there', async () => {
      const { repository, user } = await opened();
      repository.answer('timestamp.json', undefined);

      await rejected(user.refresh(), { code: expect.stringMatching(/^(unsigned|not-found)$/) as never });
    });
  });

  describe(`${dialect.name}: S2 what has expired`, () => {
    test('a root: it is known, and nothing is trusted under it', async () => {
      const { repository, user } = await opened();
      repository.set('root', { expires: PAST }).tag('v2').publish();

      await refusedFor(user, 'timestamp', 'expired');
      expect(user.versions('root')).toEqual({ root: 2 });
    });

    for (const role of [TIMESTAMP, SNAPSHOT] as const) {
      test(role, async () => {
        const { repository, user } = await opened();
        repository.tag('v2').publish({ [role]: PAST });

        await refusedFor(user, role, 'expired');
      });
    }

    test('targets', async () => {
      const { repository, user } = await opened();
      repository.set(TARGETS, { expires: PAST }).publish();

      await refusedFor(user, 'targets', 'expired');
    });

    test('a root at hand whose successor has not: the chain leads on', async () => {
      const repository = (await RepositorySimulator.create({ dialect })).set('root', { expires: NOW }).publish();
      const user = userOf(repository);
      await user.refresh();
      repository.set('root', { expires: new Date(NOW.getTime() + 21 * 86_400_000) }).publish();
      user.now = new Date(NOW.getTime() + 86_400_000);

      await user.refresh();
      expect(user.versions('root')).toEqual({ root: 3 });
    });

    test('a timestamp at hand: a newer one takes its place', async () => {
      const repository = (await RepositorySimulator.create({ dialect })).publish({ timestamp: NOW });
      const user = userOf(repository);
      await user.refresh();
      repository.tag('v2').publish();
      user.now = new Date(NOW.getTime() + 86_400_000);

      await user.refresh();
      expect(user.versions('timestamp')).toEqual({ timestamp: 3 });
    });
  });

  describe(`${dialect.name}: S17 what goes back`, () => {
    test('a timestamp', async () => {
      const { repository, user } = await opened();
      const before = repository.served;
      repository.tag('v2').publish();
      await user.refresh();
      repository.replay(before, 'timestamp.json');

      await refusedFor(user, 'timestamp', 'rollback');
    });

    test('a snapshot under a fresh timestamp', async () => {
      const { repository, user } = await opened();
      repository.tag('v2').publish();
      await user.refresh();
      repository.continueFrom({ snapshot: 1 }).publish();

      await refusedFor(user, 'snapshot', 'rollback');
    });

    test('targets under a fresh snapshot', async () => {
      const { repository, user } = await opened();
      const old = repository.files.get(TARGETS) as Uint8Array;
      repository.tag('v2').publish();
      await user.refresh();
      repository.substitute(TARGETS, old);

      await refusedFor(user, 'targets', 'rollback');
    });

    test('S3 a timestamp of a version that nobody can exceed: its key is taken away', async () => {
      const { repository, user } = await opened();
      repository.continueFrom({ timestamp: 2 ** 40 }).publish();
      await user.refresh();
      await repository.rotate('timestamp');
      repository.continueFrom({ timestamp: 0 }).publish();

      await user.refresh();
      expect(user.versions('timestamp')).toEqual({ timestamp: 1 });
    });

    test('S3 a snapshot of such a version: keys of both are taken away', async () => {
      const { repository, user } = await opened();
      repository.continueFrom({ snapshot: 2 ** 40 }).publish();
      await user.refresh();
      await repository.rotate('timestamp');
      await repository.rotate('snapshot');
      repository.continueFrom({ snapshot: 0 }).publish();

      await user.refresh();
      expect(user.versions('snapshot')).toEqual({ snapshot: 1 });
    });
  });

  describe(`${dialect.name}: S21 a delegation`, () => {
    const delegated = async () => {
      const repository = (await RepositorySimulator.create({ dialect })).delegate(A).tag('v1', 'one', A).publish();
      const user = userOf(repository);
      expect(await user.lookup('v1')).toBe(ONE);
      return { repository, user };
    };

    test('is trusted for what it signs, and by its version', async () => {
      const { repository, user } = await delegated();
      expect(user.versions(A)).toEqual({ [A]: 1 });
      repository.tag('v1', 'two', A).publish();

      expect(await user.lookup('v1')).toBe(sha256Hex(encodeUtf8('two')));
      expect(user.versions(A)).toEqual({ [A]: 2 });
    });

    test('that is not signed by its key, has expired, goes back or is not what is announced: nothing of it', async () => {
      const attacks: readonly ((repository: RepositorySimulator) => unknown)[] = [
        (repository) => repository.keys.set(A, repository.keys.get(TARGETS) ?? []),
        (repository) => repository.set(A, { expires: PAST }),
        (repository) => repository.set(A, { version: 1 }),
        (repository) => {
          repository.snapshotTrick = (meta) =>
            meta.set(A, { ...meta.get(A), hashes: new Map([['sha256', hash('sha256', encodeUtf8('x'))]]) });
        },
      ];
      for (const attack of attacks) {
        const { repository, user } = await delegated();
        repository.tag('v1', 'two', A).publish();
        await user.lookup('v1');
        repository.tag('v1', 'evil', A);
        attack(repository);
        repository.publish();
        const found = await user.lookup('v1').catch((error: { code: string }) => error.code);

        expect(found).not.toBe(sha256Hex(encodeUtf8('evil')));
        expect(user.versions(A)).toEqual({ [A]: 2 });
      }
    });
  });
}
