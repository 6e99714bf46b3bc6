// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { rejected } from '../../test/support/refusals.ts';
import { makeKeyFor } from '../../test/support/test-keys.ts';
import { openTufUser as opened } from '../../test/support/users.ts';
import { encodeUtf8 } from '../encoding/index.ts';
import { type RoleName, sha256Hex, tufV1 } from '../tuf/index.ts';

const digest = (content: string) => sha256Hex(encodeUtf8(content));
const name = (text: string) => text as RoleName;

describe('S20 delegations', () => {
  const all = { patterns: ['*'] };

  test('a role that was verified for one delegator is judged anew for another', async () => {
    const { repository, user } = await opened();
    const [forA, forB] = [makeKeyFor(tufV1), makeKeyFor(tufV1)];
    repository
      .delegateFrom('targets', { name: name('a'), patterns: ['team-a/*'] })
      .delegateFrom('targets', { name: name('b'), patterns: ['team-b/*'] })
      .delegateFrom('a', { name: name('release'), patterns: ['team-a/*'] }, [forA])
      .delegateFrom('b', { name: name('release'), patterns: ['team-b/*'] }, [forB]);
    repository.keys.set(name('release'), [forA]);
    repository.tag('team-a/x', 'good', 'release').tag('team-b/x', 'evil', 'release').publish();
    const client = user.client();

    expect((await client.find('team-a/x'))?.role as string).toBe('release');
    await rejected(client.find('team-b/x'), { code: 'threshold', role: 'release' });
    await rejected(user.client().find('team-b/x'), { code: 'threshold', role: 'release' });
  });

  test('one that the snapshot does not list is not used and not asked for', async () => {
    const { repository, user } = await opened();
    repository.delegateFrom('targets', { name: name('a'), ...all }).tag('x', 'x', 'a');
    repository.snapshotTrick = (meta) => meta.set(name('a'), null);
    repository.publish();
    await user.refresh();
    repository.takeRequests();

    await rejected(user.client().find('x'), { code: 'malformed', role: 'snapshot' });
    expect(repository.takeRequests()).toEqual(['2.root.json', 'timestamp.json']);
    expect(user.file('a')).toBeUndefined();
  });

  for (const odd of ['?', '#', '/role', '../role', '..', 'a b', 'ü/💥', '%2e%2e', '!*', '__proto__'])
    test(`S13 a role called ${odd}`, async () => {
      const { repository, user } = await opened();
      repository
        .delegateFrom('targets', { name: name(odd), ...all })
        .tag('x', 'x', odd)
        .publish();

      expect(await user.lookup('x')).toBe(digest('x'));
      const asked = repository.takeRequests().at(-1) ?? '';
      expect(asked).toMatch(/^1\.[A-Za-z0-9._~%-]+\.json$/);
      expect(decodeURIComponent(asked)).toBe(`1.${odd}.json`);
    });

  test('is kept, and not asked for again while it is current', async () => {
    const { repository, user } = await opened();
    repository
      .delegateFrom('targets', { name: name('a'), ...all })
      .tag('x', 'x', 'a')
      .publish();
    await user.lookup('x');
    repository.takeRequests();

    expect(await user.lookup('x')).toBe(digest('x'));
    expect(repository.takeRequests()).toEqual(['2.root.json', 'timestamp.json']);
  });

  test('is verified once for a delegator, however many paths one client looks up', async () => {
    const { repository, user } = await opened();
    repository
      .delegateFrom('targets', { name: name('a'), ...all })
      .tag('x', 'x', 'a')
      .tag('y', 'y', 'a')
      .publish();
    const client = user.client();
    await client.find('x');
    user.files.files.delete(name('a'));
    repository.takeRequests();

    expect((await client.find('y'))?.role as string).toBe('a');
    expect(repository.takeRequests()).toEqual([]);
  });

  test('by hash: each bin is asked for what falls into it alone', async () => {
    const { repository, user } = await opened();
    const first = digest('x').slice(0, 1);
    const others = [...'0123456789abcdef'].filter((digit) => digit !== first);
    repository
      .delegateFrom('targets', { name: name('others'), hashPrefixes: others, terminating: true })
      .delegateFrom('targets', { name: name('bin'), hashPrefixes: [first], terminating: true })
      .tag('x', 'x', 'bin')
      .publish();

    expect(await user.lookup('x')).toBe(digest('x'));
    expect(repository.takeRequests().slice(-1)).toEqual(['1.bin.json']);
  });

  test('succinct: one key for all bins, and the bin of a path follows from its hash', async () => {
    const { repository, user } = await opened();
    const key = makeKeyFor(tufV1);
    const bin = `bin-${(Number.parseInt(digest('x').slice(0, 8), 16) >>> 27).toString(16).padStart(2, '0')}`;
    repository.delegations('targets', () => ({
      keys: new Map([[key.id, key.listed]]),
      roles: [],
      succinct: { keyIds: [key.id], threshold: 1, bits: 5, namePrefix: 'bin' },
    }));
    repository.keys.set(name(bin), [key]);
    repository.tag('x', 'x', bin).publish();

    expect(await user.lookup('x')).toBe(digest('x'));
    expect(repository.takeRequests().slice(-1)).toEqual([`1.${bin}.json`]);
  });
});
