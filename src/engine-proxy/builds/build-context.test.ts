// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { failureOf } from '../../../test/support/refusals.ts';
import { AmbiguousRequestError } from '../request-head.ts';
import { pinnedContext } from './build-context.ts';
import { isIgnored } from './ignored.ts';
import { BLOCK, TarReader, tarFile } from './tar-stream.ts';

const END = Buffer.alloc(2 * BLOCK);
const file = (name: string, content: string) => Buffer.from(tarFile(name, Buffer.from(content)));

/** An entry of another kind: a link, a directory, an extension. */
function entry(name: string, type: string, content = ''): Buffer {
  const bytes = file(name, content);
  bytes.write(type, 156, 'latin1');
  bytes.write('        ', 148, 'latin1');
  const sum = bytes.subarray(0, BLOCK).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

async function* inParts(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What the engine gets of a context: all bytes, and the files in it by name, the last of a name as it unpacks them. */
async function sent(
  parts: readonly Buffer[],
  { named = 'Dockerfile', pack = (bytes: Buffer) => bytes, size = 700 } = {},
) {
  const context = pinnedContext(inParts(pack(Buffer.concat([...parts, END])), size), named, async (dockerfile) =>
    Buffer.from(`pinned:${Buffer.from(dockerfile)}`),
  );
  const pieces: Uint8Array[] = [];
  for await (const piece of context.tar) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  const files = new Map<string, string>();
  const reader = new TarReader(inParts(bytes, 4096));
  for (let found = await reader.entry(); found !== undefined; found = await reader.entry()) {
    const content = await reader.take(Math.ceil(found.size / BLOCK) * BLOCK);
    files.set(found.name, content.toString('utf8', 0, found.size));
  }
  return { dockerfile: context.dockerfile, bytes, files };
}

describe('the context of a build', () => {
  test('goes through byte for byte, with a Dockerfile of a name that nobody can know at its end', async () => {
    const parts = [file('./Dockerfile', 'FROM app:1'), file('src/a', 'content'), entry('link', '2')];
    const { dockerfile, bytes, files } = await sent(parts);
    expect(bytes.subarray(0, bytes.indexOf(tarFile(dockerfile, Buffer.from('pinned:FROM app:1'))))).toEqual(
      Buffer.concat(parts),
    );
    expect(dockerfile).toMatch(/^\.dockerfile\.[0-9a-f]{32}$/);
    expect(files.get(dockerfile)).toBe('pinned:FROM app:1');
    expect(files.get('.dockerignore')).toBe(`.dockerignore\n${dockerfile}\n`);
    expect((await sent(parts)).dockerfile).not.toBe(dockerfile);
  });

  test('keeps its own list of what to leave out, and the Dockerfile out if that says so', async () => {
    const { dockerfile, files } = await sent([file('.dockerignore', 'x\nDocker*'), file('Dockerfile', 'FROM app:1')]);
    expect(files.get('.dockerignore')).toBe(`x\nDocker*\n${dockerfile}\n`);
    expect([...files.keys()]).toEqual(['.dockerignore', dockerfile]);
  });

  test('may be packed with gzip, and name its Dockerfile as it likes', async () => {
    const parts = [file('a/b/App.Dockerfile', 'FROM app:2')];
    for (const size of [1, 700])
      expect(
        (await sent(parts, { named: './a/b/App.Dockerfile', pack: gzipSync, size })).files.get('a/b/App.Dockerfile'),
      ).toBe('FROM app:2');
  });

  test('may have names in the extensions that tar has for them', async () => {
    const record = '20 path=./Dockerfile\n'.replace(/^\d+/, '21');
    const { dockerfile, files } = await sent([entry('x', 'x', record), file('ignored', 'FROM app:3')]);
    expect(files.get(dockerfile)).toBe('pinned:FROM app:3');
    const long = await sent([entry('././@LongLink', 'L', 'Dockerfile\0'), file('ignored', 'FROM app:4')]);
    expect(long.files.get(long.dockerfile)).toBe('pinned:FROM app:4');
  });

  test('may end without filling its last block, as those of the docker CLI do', async () => {
    const cut = { pack: (bytes: Buffer) => bytes.subarray(0, BLOCK + 'FROM app:1'.length) };
    const { dockerfile, files } = await sent([file('Dockerfile', 'FROM app:1')], cut);
    expect(files.get(dockerfile)).toBe('pinned:FROM app:1');
  });

  const good = file('Dockerfile', 'FROM app:1');
  for (const [what, parts, options] of [
    ['S24 has two Dockerfiles', [good, file('./Dockerfile', 'FROM evil:1')], {}],
    ['S24 has a link for a Dockerfile', [entry('Dockerfile', '2')], {}],
    ['has none', [file('dockerfile.txt', 'FROM app:1')], {}],
    [
      'is packed with something else',
      [good],
      { pack: (bytes: Buffer) => Buffer.concat([Buffer.from('BZh91AY'), bytes]) },
    ],
    ['is cut off', [good], { pack: (bytes: Buffer) => bytes.subarray(0, BLOCK + 3) }],
    ['is damaged where it is packed', [good], { pack: (bytes: Buffer) => gzipSync(bytes).subarray(0, 40) }],
    ['has a header whose sum is wrong', [good], { pack: (bytes: Buffer) => bytes.fill('x', 0, 3) }],
    ['has names that hold for all that follows', [entry('g', 'g', '16 path=Docker1\n'), good], {}],
    ['names a Dockerfile outside of it', [good], { named: '../Dockerfile' }],
    ['names an absolute one', [good], { named: '/Dockerfile' }],
    ['S23 has a Dockerfile without end', [file('Dockerfile', '#'.repeat(5_000_000))], {}],
  ] as const) {
    test(`that ${what} is refused`, async () => {
      expect(await failureOf(sent(parts, options))).toBeInstanceOf(AmbiguousRequestError);
    });
  }

  test('S22 property: whatever else it holds, the engine builds by what was judged', async () => {
    const names = fc.constantFrom('a', 'b/c', '.dockerignore', 'Dockerfile/x', 'b', './d');
    const entries = fc.array(fc.tuple(names, fc.string({ maxLength: 2000 })), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(entries, fc.integer({ min: 1, max: 3000 }), async (others, size) => {
        const parts = others.map(([name, content]) => file(name, content));
        const { dockerfile, files } = await sent([...parts.slice(0, 2), good, ...parts.slice(2)], { size });
        expect(files.get(dockerfile)).toBe('pinned:FROM app:1');
        expect([...files.keys()].at(-1) === dockerfile || files.has('.dockerignore')).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

test('a list of what to leave out is read as the engine reads it', () => {
  for (const [patterns, file, ignored] of [
    ['Dockerfile', 'Dockerfile', true],
    ['/Dockerfile', 'Dockerfile', true],
    ['# Dockerfile', 'Dockerfile', false],
    ['*\n!Dockerfile', 'Dockerfile', false],
    ['Docker?ile', 'Dockerfile', true],
    ['**/Dockerfile', 'a/b/Dockerfile', true],
    ['Dockerfile', 'a/Dockerfile', false],
    ['a', 'a/Dockerfile', true],
    ['a/**', 'a/b/Dockerfile', true],
    ['*.file', 'Dockerfile', false],
    ['Dockerf.le', 'Dockerfile', false],
    [`${'*a'.repeat(50)}`, 'a'.repeat(200), false],
  ] as const)
    expect(isIgnored(file, patterns)).toBe(ignored);
});
