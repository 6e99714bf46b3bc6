// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused, rejected } from '../../test/support/refusals.ts';
import { NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { resigned } from '../../test/support/signed-files.ts';
import { makeKeyFor } from '../../test/support/test-keys.ts';
import { openTufUser as opened, TufUser } from '../../test/support/users.ts';
import { encodeUtf8, type JsonValue } from '../encoding/index.ts';
import { ROOT, type RoleName, SNAPSHOT, sha256Hex, TARGETS, TIMESTAMP, tufV1, type Version } from '../tuf/index.ts';
import { TufClient } from './tuf-client.ts';

const TOP = ['root', 'timestamp', 'snapshot', 'targets'];
const digest = (content: string) => sha256Hex(encodeUtf8(content));
const name = (text: string) => text as RoleName;

describe('what it asks for', () => {
  test('first: the next root, timestamp, snapshot, targets, in this order', async () => {
    const repository = await RepositorySimulator.create({ dialect: tufV1 });
    await new TufUser(repository).refresh();

    expect(repository.takeRequests()).toEqual(['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json']);
  });

  test('with nothing new: the next root and the timestamp', async () => {
    const { repository, user } = await opened();
    await user.refresh();

    expect(repository.takeRequests()).toEqual(['2.root.json', 'timestamp.json']);
  });

  test('for a target that is not there: no more than a refresh does', async () => {
    const { repository, user } = await opened();

    expect(await user.lookup('v9')).toBeUndefined();
    expect(repository.takeRequests()).toEqual(['2.root.json', 'timestamp.json']);
  });

  test('under a root that has expired: nothing', async () => {
    const { repository, user } = await opened();
    repository.set('root', { expires: new Date(NOW.getTime() - 1000) }).publish();

    await rejected(user.refresh(), { code: 'expired', role: 'root' });
    expect(repository.takeRequests()).toEqual(['2.root.json', '3.root.json']);
  });

  test('without consistent snapshots: names without versions, but for roots', async () => {
    const repository = await RepositorySimulator.create({ dialect: tufV1 });
    repository.serveRoot({ ...repository.root, consistentSnapshot: false }, repository.keys.get(ROOT) ?? []);
    await new TufUser(repository.publish()).refresh();

    expect(repository.takeRequests()).toEqual(['2.root.json', 'timestamp.json', 'snapshot.json', 'targets.json']);
  });
});

describe('what stays when a refresh fails', () => {
  test('every role up to the one that was refused', async () => {
    const { repository, user } = await opened();
    const keys = repository.keys.get(TARGETS) ?? [];
    await repository.rotate('snapshot');
    repository.keys.set(TARGETS, []);
    repository.tag('v2').publish();

    await rejected(user.refresh(), { code: 'threshold', role: 'targets' });
    expect(user.versions(...TOP)).toEqual({ root: 2, timestamp: 3, snapshot: 3, targets: 2 });
    repository.keys.set(TARGETS, keys);
    repository.tag('v3').publish();
    await user.refresh();
    expect(user.versions(...TOP)).toEqual({ root: 2, timestamp: 4, snapshot: 4, targets: 4 });
  });

  test('S17 5.4.3.2 no timestamp whose snapshot is older, though its own version is not', async () => {
    const { repository, user } = await opened();
    repository.continueFrom({ snapshot: 0 }).publish();

    await rejected(user.refresh(), { code: 'rollback', role: 'snapshot' });
    expect(user.versions(...TOP)).toEqual({ root: 1, timestamp: 2, snapshot: 2, targets: 2 });
    expect(repository.takeRequests()).toEqual(['2.root.json', 'timestamp.json']);
  });

  test('S17 5.5.5 no snapshot whose targets are older, or that no longer lists a role', async () => {
    const { repository, user } = await opened();
    repository
      .delegateFrom('targets', { name: name('a'), patterns: ['*'] })
      .tag('v1', 'one', 'a')
      .publish();
    await user.refresh();
    repository.snapshotTrick = (meta) => meta.set(name('a'), null);
    repository.tag('v3').publish();
    await rejected(user.refresh(), { code: 'rollback', role: 'a' });
    expect(user.versions('snapshot')).toEqual({ snapshot: 3 });

    repository.snapshotTrick = (meta) => meta.set(TARGETS, { ...meta.get(TARGETS), version: 1 as Version });
    repository.publish();
    await rejected(user.refresh(), { code: 'rollback', role: 'targets' });
    expect(user.versions('snapshot')).toEqual({ snapshot: 3 });
  });
});

describe('pins that state a version and nothing else', () => {
  const byVersion = async () => {
    const repository = await RepositorySimulator.create({ dialect: tufV1 });
    repository.pinsByVersionAlone = true;
    repository
      .delegateFrom('targets', { name: name('a'), patterns: ['*'] })
      .tag('v1', 'one', 'a')
      .publish();
    const user = new TufUser(repository);
    expect(await user.lookup('v1')).toBe(digest('one'));
    const older = repository.served;
    repository.tag('x').tag('v1', 'two', 'a').publish();
    return { repository, user, older };
  };

  for (const [role, before, next] of [
    [SNAPSHOT, '2.snapshot.json', '3.snapshot.json'],
    [TARGETS, '2.targets.json', '3.targets.json'],
    [name('a'), '1.a.json', '2.a.json'],
  ] as const)
    test(`S17 5.5.4, 5.6.4 ${role}: another version under the name of the announced one is refused`, async () => {
      const { repository, user, older } = await byVersion();
      repository.answer(next, older.get(before));

      await rejected(user.lookup('v1'), { code: 'rollback', role });
      repository.honest();
      expect(await user.lookup('v1')).toBe(digest('two'));
    });

  test('S17 a newer one than announced is refused as well', async () => {
    const { repository, user } = await byVersion();
    const then = repository.served;
    repository.tag('y').publish();
    const newer = repository.files.get(SNAPSHOT) as Uint8Array;
    repository.replay(then, 'timestamp.json').answer('3.snapshot.json', newer);

    await rejected(user.refresh(), { code: 'rollback', role: 'snapshot' });
  });
});

describe('S23 more bytes than are due', () => {
  for (const [what, file, length] of [
    ['a root', '2.root.json', 1 << 20],
    ['a timestamp', 'timestamp.json', 1 << 16],
  ] as const)
    test(`${what} of more than ${length} bytes is not read`, async () => {
      const { repository, user } = await opened();
      repository.answer(file, new Uint8Array(length + 1));
      await rejected(user.refresh(), { code: 'too-large' });

      repository.answer(file, new Uint8Array(length));
      await rejected(user.refresh(), { code: 'malformed' });
    });

  test('a snapshot, targets or a delegation that is longer than announced is not read', async () => {
    for (const role of [SNAPSHOT, TARGETS, name('a')]) {
      const { repository, user } = await opened();
      repository
        .delegateFrom('targets', { name: name('a'), patterns: ['*'] })
        .tag('x', 'x', 'a')
        .publish();
      const file = repository.files.get(role) as Uint8Array;
      for (const [fileName, bytes] of repository.served)
        if (bytes === file) repository.answer(fileName, new Uint8Array([...file, 0x20]));

      await rejected(user.lookup('x'), { code: 'too-large' });
    }
  });
});

describe('a timestamp of the same version', () => {
  test('5.4.3.1 is no news, whatever it says: the one at hand stands', async () => {
    const { repository, user } = await opened();
    const before = user.file('timestamp');
    const keys = repository.keys.get(TIMESTAMP) ?? [];
    const other = resigned(
      repository.files.get(TIMESTAMP) as Uint8Array,
      (body) => {
        const pin = (body.get('meta') as Map<string, Map<string, JsonValue>>).get('snapshot.json');
        pin?.set('version', 100);
      },
      keys,
    );
    repository.answer('timestamp.json', other);
    await user.refresh();

    expect(user.file('timestamp')).toEqual(before as Uint8Array);
    expect(repository.takeRequests()).toEqual(['2.root.json', 'timestamp.json']);
  });

  test('that its key did not sign is refused', async () => {
    const { repository, user } = await opened();
    const other = resigned(repository.files.get(TIMESTAMP) as Uint8Array, () => {}, [makeKeyFor(tufV1)]);
    repository.answer('timestamp.json', other);

    await rejected(user.refresh(), { code: 'threshold', role: 'timestamp' });
  });
});

describe('S3 recovery', () => {
  test('of targets: the snapshot key is taken away, and versions and roles start anew', async () => {
    const { repository, user } = await opened();
    repository
      .delegateFrom('targets', { name: name('a'), patterns: ['*'] })
      .tag('v1', 'one', 'a')
      .set(TARGETS, { version: 2 ** 40 })
      .publish();
    await user.refresh();
    await repository.rotate('snapshot');
    repository.snapshotTrick = (meta) => meta.set(name('a'), null);
    repository.set(TARGETS, { version: 1 }).publish();

    await user.refresh();
    expect(user.versions('targets')).toEqual({ targets: 1 });
  });

  test('is none while the snapshot key stays', async () => {
    const { repository, user } = await opened();
    repository.set(TARGETS, { version: 2 ** 40 }).publish();
    await user.refresh();
    repository.set(TARGETS, { version: 1 }).publish();

    await rejected(user.refresh(), { code: 'rollback', role: 'targets' });
  });
});

describe('the first root', () => {
  const client = (user: TufUser) => user.client();

  test('is trusted as it was given, and no request is made', async () => {
    const { repository } = await opened();
    const user = new TufUser(repository);
    user.files.files.clear();
    client(user).initialize(repository.served.get('1.root.json') as Uint8Array);

    expect(repository.takeRequests()).toEqual([]);
    expect(user.versions('root')).toEqual({ root: 1 });
  });

  test('that is no root, or not signed by itself, is refused and not kept', async () => {
    const { repository } = await opened();
    const user = new TufUser(repository);
    user.files.files.clear();
    const root = repository.files.get(ROOT) as Uint8Array;
    for (const [file, code] of [
      [encodeUtf8('{}'), 'malformed'],
      [repository.files.get(TARGETS) as Uint8Array, 'malformed'],
      [resigned(root, (body) => body.delete('version'), repository.keys.get(ROOT) ?? []), 'malformed'],
      [resigned(root, () => {}, [makeKeyFor(tufV1)]), 'threshold'],
    ] as const)
      refused(() => client(user).initialize(file), { code });
    expect(user.files.files.size).toBe(0);
  });

  test('S19 is not replaced by another one, and nothing is asked for without one', async () => {
    const { repository, user } = await opened();
    const other = await RepositorySimulator.create({ dialect: tufV1 });
    refused(() => client(user).initialize(other.files.get(ROOT) as Uint8Array), {
      name: 'TrustDirectoryError',
      code: 'unwritable',
    });

    user.files.files.clear();
    await rejected(user.refresh(), { name: 'TrustDirectoryError', code: 'unreadable' });
    expect(repository.takeRequests()).toEqual([]);
  });

  test('that was changed on disk is not believed, and nothing is asked for', async () => {
    const { repository, user } = await opened();
    const root = user.file('root') as Uint8Array;
    user.files.files.set(
      ROOT,
      resigned(root, () => {}, [makeKeyFor(tufV1)]),
    );

    await rejected(user.refresh(), { code: 'threshold', role: 'root' });
    expect(repository.takeRequests()).toEqual([]);
  });
});

describe('two processes', () => {
  test.each([
    ['timestamp', 'timestamp.json'],
    ['snapshot', '3.snapshot.json'],
  ])('S17 one that got an older %s does not put it over what the other stored since', async (role, waitsFor) => {
    const { repository, user } = await opened();
    repository.tag('v2').publish();
    const older = repository.served;
    repository.tag('v3').publish();
    const slow = {
      fetch: async (_gun: unknown, fileName: string) => {
        // the other process runs from start to end while this one waits
        if (fileName === waitsFor) await user.refresh();
        return older.get(fileName);
      },
    };
    const behind = new TufClient({ dialect: tufV1, gun: repository.gun, fetcher: slow, files: user.files, now: NOW });

    await rejected(behind.refresh(), { code: 'rollback', role });
    expect(user.versions(...TOP)).toEqual({ root: 1, timestamp: 4, snapshot: 4, targets: 4 });
  });

  test('S18 nor an older root over a newer one', async () => {
    const { repository, user } = await opened();
    await repository.rotate('root');
    const older = repository.served;
    await repository.rotate('root');
    repository.publish();
    const slow = {
      fetch: async (_gun: unknown, fileName: string) => {
        if (fileName === '2.root.json') await user.refresh();
        return older.get(fileName);
      },
    };
    await new TufClient({ dialect: tufV1, gun: repository.gun, fetcher: slow, files: user.files, now: NOW })
      .refresh()
      .catch(() => {});

    expect(user.versions('root')).toEqual({ root: 3 });
  });
});

test('S22 whatever stands on disk in the place of a trusted file is no baseline, and no failure', async () => {
  const { repository, user } = await opened();
  for (const role of [TIMESTAMP, SNAPSHOT, TARGETS]) user.files.files.set(role, encodeUtf8('{'));
  repository.tag('v2').publish();

  await user.refresh();
  expect(user.versions(...TOP)).toEqual({ root: 1, timestamp: 3, snapshot: 3, targets: 3 });
});
