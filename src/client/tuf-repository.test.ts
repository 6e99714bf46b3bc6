// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { refused, rejected } from '../../test/support/refusals.ts';
import { GUN, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { contentOf, scratchDirectories } from '../../test/support/scratch.ts';
import { TufUser } from '../../test/support/users.ts';
import { encodeUtf8 } from '../encoding/index.ts';
import { type FoundTarget, hash, sha256Hex, TARGETS, tufV1 } from '../tuf/index.ts';
import { DownloadError } from './errors.ts';
import { TargetDirectory } from './target-directory.ts';
import { DirectoryTrustedFiles } from './trusted-files.ts';
import { TufClient } from './tuf-client.ts';
import { fetchTarget, HttpTufFetcher, targetUrl } from './tuf-repository.ts';

type Answer = (path: string) => Response | Promise<Response>;
let answer: Answer = () => new Response(null, { status: 404 });
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request) => answer(new URL(request.url).pathname),
});
afterAll(() => server.stop(true));
const scratch = scratchDirectories();
const base = `http://127.0.0.1:${server.port}/metadata`;
const fetcher = (timeoutMilliseconds = 5000) => new HttpTufFetcher({ metadataUrl: base, timeoutMilliseconds });

/** A stream that never ends by itself. */
function endless(first: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(first),
    pull: () => new Promise(() => {}),
  });
}

describe('metadata over HTTP', () => {
  test('lies below its base, with or without a final slash', async () => {
    const asked: string[] = [];
    answer = (path) => {
      asked.push(path);
      return new Response('x');
    };
    await fetcher().fetch(GUN, '1.%2E%2E%2Fa.json', 10);
    await new HttpTufFetcher({ metadataUrl: `${base}/` }).fetch(GUN, 'timestamp.json', 10);

    expect(asked).toEqual(['/metadata/1.%2E%2E%2Fa.json', '/metadata/timestamp.json']);
  });

  for (const status of [404, 403])
    test(`S36 ${status}: it is not there`, async () => {
      answer = () => new Response('no', { status });
      expect(await fetcher().fetch(GUN, '2.root.json', 10)).toBeUndefined();
    });

  for (const [status, code] of [
    [401, 'unauthorized'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
    [410, 'rejected'],
  ] as const)
    test(`S36 ${status} is a failure, not "not there"`, async () => {
      answer = () => new Response('no', { status });
      await rejected(fetcher().fetch(GUN, '2.root.json', 10), { name: 'DownloadError', code });
    });

  test('S34 a redirect is not followed', async () => {
    answer = (path) => (path.endsWith('elsewhere') ? new Response('x') : Response.redirect('/elsewhere', 302));
    await expect(fetcher().fetch(GUN, '2.root.json', 10)).rejects.toBeInstanceOf(DownloadError);
  });

  test('S32 an answer that stops in the middle is given up', async () => {
    answer = () => new Response(endless(encodeUtf8('{')));
    await rejected(fetcher(50).fetch(GUN, 'timestamp.json', 10), { code: 'timeout' });
  });

  test('S23 more bytes than are due are cut off', async () => {
    answer = () => new Response('x'.repeat(11));
    await rejected(fetcher().fetch(GUN, 'timestamp.json', 10), { code: 'too-large' });
  });
});

describe('the end of the root chain', () => {
  const refresh = async (change: (path: string) => Response | undefined) => {
    const repository = (await RepositorySimulator.create({ dialect: tufV1 })).tag('v1').publish();
    answer = (path) => {
      const file = repository.served.get(path.slice('/metadata/'.length));
      return (
        change(path) ?? (file === undefined ? new Response(null, { status: 404 }) : new Response(Buffer.from(file)))
      );
    };
    const user = new TufUser(repository, fetcher(1000));
    return { user, done: user.refresh() };
  };
  const forNext = (response: () => Response) => (path: string) =>
    path.endsWith('/2.root.json') ? response() : undefined;

  test('is 404, or 403', async () => {
    const forbidden = forNext(() => new Response(null, { status: 403 }));
    for (const answer of [() => undefined, forbidden]) {
      const { user, done } = await refresh(answer);
      await done;
      expect(user.versions('root', 'timestamp')).toEqual({ root: 1, timestamp: 2 });
    }
  });

  for (const [what, response] of [
    ['500', () => new Response(null, { status: 500 })],
    ['a redirect', () => Response.redirect('/elsewhere', 302)],
    ['an empty answer', () => new Response('')],
    ['half a root', () => new Response('{"signed":')],
  ] as const)
    test(`is not ${what}: the refresh fails, and nothing more is trusted`, async () => {
      const { user, done } = await refresh(forNext(response));
      await expect(done).rejects.toThrow();
      expect(user.versions('root', 'timestamp')).toEqual({ root: 1 });
    });
});

const CONTENT = encodeUtf8('content of a target');
function found(change: Partial<FoundTarget['target']> = {}, path = 'dir/a target?.txt'): FoundTarget {
  const target = { length: CONTENT.length, hashes: new Map([['sha256', hash('sha256', CONTENT)]]), ...change };
  return { path, role: TARGETS, target };
}

describe('where a target lies', () => {
  const hex = sha256Hex(CONTENT);

  test('under its hash where snapshots are consistent, each segment encoded', () => {
    expect(targetUrl('https://x/t', found(), true)).toBe(`https://x/t/dir/${hex}.a%20target%3F.txt`);
    expect(targetUrl('https://x/t/', found({}, 'b#c'), false)).toBe('https://x/t/b%23c');
    const sha512 = new Map([['sha512', hash('sha512', CONTENT)]]);
    expect(targetUrl('https://x/t', found({ hashes: sha512 }, 'a'), true)).toMatch(
      /^https:\/\/x\/t\/[0-9a-f]{128}\.a$/,
    );
  });

  test('S13 never above its base', () => {
    for (const path of ['../x', 'a/../../x', '.', 'a/./b', '..'])
      refused(() => targetUrl('https://x/t', found({}, path), false), { name: 'MetadataError', code: 'malformed' });
  });
});

describe('a target that is downloaded', () => {
  const url = `http://127.0.0.1:${server.port}/targets/x`;
  const save = (directory: string, target = found(), timeoutMilliseconds = 5000) =>
    new TargetDirectory(directory).save(target, fetchTarget(url, target, { timeoutMilliseconds }));

  test('is stored under its encoded path, and found there again', async () => {
    const directory = scratch();
    answer = () => new Response(CONTENT);
    const file = await save(directory);

    expect(file).toBe(`${directory}/dir%2Fa%20target%3F.txt`);
    expect(readFileSync(file, 'latin1')).toBe(Buffer.from(CONTENT).toString('latin1'));
    expect(await new TargetDirectory(directory).has(found())).toBe(true);
    expect(await new TargetDirectory(directory).has(found({}, 'other'))).toBe(false);
    writeFileSync(file, 'something else');
    expect(await new TargetDirectory(directory).has(found())).toBe(false);
  });

  for (const [what, code, body, target] of [
    ['S24 other bytes', 'hash-mismatch', () => CONTENT.map((byte) => byte ^ 1), found()],
    ['fewer bytes', 'length-mismatch', () => CONTENT.subarray(1), found()],
    ['S23 more bytes', 'length-mismatch', () => new Uint8Array([...CONTENT, 1]), found()],
    [
      'a second hash that does not fit',
      'hash-mismatch',
      () => CONTENT,
      found({
        hashes: new Map([
          ['sha256', hash('sha256', CONTENT)],
          ['sha512', new Uint8Array(64)],
        ]),
      }),
    ],
    ['no hash that can be checked', 'hash-mismatch', () => CONTENT, found({ hashes: new Map() })],
  ] as const)
    test(`${what}: refused, and what was there stays`, async () => {
      const directory = scratch();
      answer = () => new Response(CONTENT);
      await save(directory);
      const before = contentOf(directory);
      answer = () => new Response(Buffer.from(body()));

      await rejected(save(directory, target), { name: 'VerificationError', code });
      expect(contentOf(directory)).toEqual(before);
    });

  test('S23 S32 endless, silent, cut off, not there, elsewhere: a typed failure, and nothing appears', async () => {
    const directory = scratch();
    const full = CONTENT;
    for (const [response, code] of [
      [() => new Response(endless(CONTENT.subarray(0, 3))), 'timeout'],
      [() => new Response(endless(new Uint8Array([...full, ...full]))), 'length-mismatch'],
      [() => new Response(null, { status: 404 }), 'not-found'],
      [() => new Response(null, { status: 500 }), 'unavailable'],
      [() => Response.redirect('/elsewhere', 302), 'unreachable'],
    ] as const) {
      answer = response;
      await rejected(save(directory, found(), 50), { code });
    }
    expect(readdirSync(directory)).toEqual([]);
  });
});

test('S34 a target is not fetched from where a redirect leads, though the bytes there are the signed ones', async () => {
  const directory = scratch();
  answer = (path) =>
    path === '/elsewhere' ? new Response(Buffer.from(CONTENT)) : Response.redirect('/elsewhere', 302);
  const url = `http://127.0.0.1:${server.port}/targets/x`;

  await rejected(new TargetDirectory(directory).save(found(), fetchTarget(url, found())), {
    name: 'DownloadError',
  } as never);
  expect(readdirSync(directory)).toEqual([]);
});

describe('trusted files on disk', () => {
  test('S7 S13 one directory, one encoded file a role, private, and nothing beside them', async () => {
    const repository = await RepositorySimulator.create({ dialect: tufV1 });
    repository
      .delegateFrom('targets', { name: '../a' as never, patterns: ['*'] })
      .tag('x', 'x', '../a')
      .publish();
    const directory = scratch();
    const files = new DirectoryTrustedFiles(directory);
    const client = () => new TufClient({ dialect: tufV1, gun: GUN, fetcher: repository, files, now: repository.now });
    client().initialize(repository.served.get('1.root.json') as Uint8Array);
    await client().find('x');

    expect(Object.keys(contentOf(directory))).toEqual([
      '..%2Fa.json',
      'root.json',
      'snapshot.json',
      'targets.json',
      'timestamp.json',
    ]);
    expect(files.load('../a' as never)).toEqual(repository.files.get('../a' as never) as Uint8Array);
  });
});
