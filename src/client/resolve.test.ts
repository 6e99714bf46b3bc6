// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TestClient } from '../../test/support/client.ts';
import { refused } from '../../test/support/refusals.ts';
import { NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { expiryOf, hash, withTarget } from '../tuf/index.ts';
import { listTags, resolveTag } from './resolve.ts';

const RELEASES = 'targets/releases';
const digest = (content: string) =>
  `sha256:${Buffer.from(hash('sha256', new TextEncoder().encode(content))).toString('hex')}`;
const unsigned = (role: string) => ({ name: 'VerificationError', code: 'unsigned', role });

async function trusted(change: (repository: RepositorySimulator) => unknown) {
  const repository = await RepositorySimulator.create();
  await change(repository);
  repository.publish();
  return new TestClient(repository).refresh();
}

describe('a tag without delegations', () => {
  test('is what targets signs: digest, size, signers, and when the trust ends', async () => {
    const tag = resolveTag(await trusted((repository) => repository.tag('v1', 'content')), 'v1');

    expect(tag as object).toEqual({
      tag: 'v1',
      digest: digest('content'),
      size: 7,
      role: 'targets',
      signers: ['targets'],
      expires: expiryOf('timestamp', NOW),
    });
  });

  test('that nobody signed is unsigned', async () => {
    const repository = await trusted((simulator) => simulator.tag('v1'));

    for (const tag of ['v2', '', 'V1', 'v1 ', '__proto__'])
      refused(() => resolveTag(repository, tag), unsigned('targets'));
  });

  test('that was revoked is unsigned', async () => {
    const repository = await trusted((simulator) => simulator.tag('v1').publish().untag('v1'));

    refused(() => resolveTag(repository, 'v1'), unsigned('targets'));
  });

  test('without a sha256 is refused', async () => {
    const repository = await trusted((simulator) =>
      simulator.edit('targets', (targets) =>
        withTarget(targets, 'v1', { length: 1, hashes: new Map([['sha512', new Uint8Array(64)]]) }),
      ),
    );

    refused(() => resolveTag(repository, 'v1'), unsigned('targets'));
    expect(listTags(repository)).toEqual([]);
  });
});

describe('a tag with delegations', () => {
  test('is what targets/releases signs, before targets', async () => {
    const repository = await trusted((simulator) =>
      simulator.delegate(RELEASES).tag('v1', 'old').tag('v1', 'new', RELEASES),
    );

    expect(resolveTag(repository, 'v1')).toMatchObject({ digest: digest('new'), role: RELEASES, signers: [RELEASES] });
  });

  test('is what targets signs where targets/releases has none', async () => {
    const repository = await trusted((simulator) =>
      simulator.delegate(RELEASES).tag('v1', 'old').tag('v2', 'new', RELEASES),
    );

    expect(resolveTag(repository, 'v1')).toMatchObject({ digest: digest('old'), role: 'targets' });
  });

  test('names every role that signs this very digest', async () => {
    const repository = await trusted((simulator) => {
      simulator.delegate(RELEASES).delegate('targets/alice').delegate('targets/bob');
      simulator.tag('v1', 'new', RELEASES).tag('v1', 'new', 'targets/alice').tag('v1', 'other', 'targets/bob');
    });

    expect(resolveTag(repository, 'v1').signers).toEqual([RELEASES, 'targets/alice'] as never);
  });

  test('that only another role signs is refused, and that role named', async () => {
    const repository = await trusted((simulator) =>
      simulator.delegate('targets/alice').tag('v1', 'mine', 'targets/alice'),
    );

    refused(() => resolveTag(repository, 'v1'), unsigned('targets/alice'));
    expect(listTags(repository)).toEqual([]);
  });

  test('that a delegation below targets/releases signs is refused', async () => {
    const nested = 'targets/releases/qa';
    const repository = await trusted((simulator) =>
      simulator.delegate(RELEASES).tag('x', 'x', RELEASES).delegate(nested).tag('v1', 'mine', nested),
    );

    refused(() => resolveTag(repository, 'v1'), unsigned(nested));
  });

  test('outside the paths of targets/releases is not its to sign', async () => {
    const repository = await trusted((simulator) =>
      simulator
        .delegate(RELEASES, { paths: ['rc-'] })
        .tag('v1', 'mine', RELEASES)
        .tag('rc-1', 'mine', RELEASES),
    );

    refused(() => resolveTag(repository, 'v1'), unsigned('targets'));
    expect(resolveTag(repository, 'rc-1').role as string).toBe(RELEASES);
  });

  test('ends its trust when the first of the files it rests on expires', async () => {
    const soon = new Date(NOW.getTime() + 60_000);
    const repository = await trusted((simulator) =>
      simulator.delegate(RELEASES).tag('v1', 'x', RELEASES).set(RELEASES, { expires: soon }).tag('v2'),
    );

    expect(resolveTag(repository, 'v1').expires).toEqual(soon);
    expect(resolveTag(repository, 'v2').expires).toEqual(expiryOf('timestamp', NOW));
  });
});

describe('where targets/releases exists and is refused', () => {
  const expired = (simulator: RepositorySimulator) =>
    simulator
      .delegate(RELEASES)
      .tag('v1', 'old')
      .tag('v1', 'new', RELEASES)
      .set(RELEASES, { expires: new Date(NOW.getTime() - 1) });

  test('nothing is resolved: targets could bring back what was replaced', async () => {
    const repository = await trusted(expired);

    refused(() => resolveTag(repository, 'v1'), { code: 'expired', role: RELEASES });
    refused(() => listTags(repository), { code: 'expired', role: RELEASES });
  });

  test('another refused role changes nothing', async () => {
    const repository = await trusted((simulator) =>
      simulator
        .delegate('targets/alice')
        .tag('v1')
        .tag('v1', 'x', 'targets/alice')
        .set('targets/alice', { expires: new Date(NOW.getTime() - 1) }),
    );

    expect(repository.refused.size).toBe(1);
    expect(resolveTag(repository, 'v1').signers).toEqual(['targets'] as never);
  });
});

describe('the list of tags', () => {
  test('has each tag once, in natural order, as it resolves', async () => {
    const repository = await trusted((simulator) => {
      simulator.delegate(RELEASES);
      for (const tag of ['1.10', '1.9', 'latest', '2']) simulator.tag(tag, `old ${tag}`);
      simulator.tag('1.9', 'new', RELEASES).tag('1.9-rc', 'new', RELEASES);
    });
    const listed = listTags(repository);

    expect(listed.map(({ tag }) => tag)).toEqual(['1.9', '1.9-rc', '1.10', '2', 'latest']);
    for (const tag of listed) expect(resolveTag(repository, tag.tag)).toEqual(tag);
  });
});
