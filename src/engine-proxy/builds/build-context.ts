// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AmbiguousRequestError } from '../request-head.ts';
import { isIgnored } from './ignored.ts';
import { BLOCK, type TarEntry, TarReader, tarFile } from './tar-stream.ts';

/** A context on its way to the engine, and the file in it by which the engine shall build. */
export interface PinnedContext {
  readonly dockerfile: string;
  readonly tar: AsyncIterable<Uint8Array>;
}

const MAX_FILE = 4 * 1024 * 1024;
const IGNORE = '.dockerignore';
const GZIP = Buffer.from([0x1f, 0x8b, 0x08]);
/** bzip2, xz and zstd, which the engine unpacks as well. */
const OTHERS = [
  Buffer.from('BZh'),
  Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
];

/**
 * Lets a build's context through, and adds at its end a Dockerfile made of the one that is named, under a name that nobody
 * can know: whatever links and duplicates the context holds, the engine builds by what was judged. Both that file and the
 * list that hides it from the image are written as the docker CLI writes them for a Dockerfile from standard input.
 * @param named the file in the context that the client wants to build by
 * @param pin makes the Dockerfile that the engine shall have of that one
 */
export function pinnedContext(
  body: AsyncIterable<Uint8Array>,
  named: string,
  pin: (dockerfile: Uint8Array) => Promise<Uint8Array>,
): PinnedContext {
  const dockerfile = `.dockerfile.${randomBytes(16).toString('hex')}`;
  return { dockerfile, tar: passed(body, plainName(named), dockerfile, pin) };
}

async function* passed(
  body: AsyncIterable<Uint8Array>,
  wanted: string,
  added: string,
  pin: (dockerfile: Uint8Array) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const reader = new TarReader(unpacked(body));
  let dockerfile: Buffer | undefined;
  let ignore = '';
  for (let entry = await reader.entry(); entry !== undefined; entry = await reader.entry()) {
    if (entry.name !== wanted && entry.name !== IGNORE) {
      yield entry.headers;
      yield* reader.content(entry);
      continue;
    }
    const content = await wholeFile(entry, reader);
    if (entry.name === IGNORE) ignore = content.toString('utf8', 0, entry.size);
    else if (dockerfile !== undefined) throw new AmbiguousRequestError(`${wanted} is there twice in the context`);
    else dockerfile = content.subarray(0, entry.size);
    // what the engine would have taken away itself, had it built by this file
    if (entry.name === wanted && isIgnored(wanted, ignore)) continue;
    yield entry.headers;
    yield content;
  }
  await reader.drain();
  if (dockerfile === undefined)
    throw new AmbiguousRequestError(`no ${wanted} in the context of the build; links are not followed`);
  yield tarFile(added, await pin(dockerfile));
  yield tarFile(IGNORE, Buffer.from(`${ignore === '' ? IGNORE : ignore}\n${added}\n`, 'utf8'));
  yield Buffer.alloc(2 * BLOCK);
}

async function wholeFile(entry: TarEntry, reader: TarReader): Promise<Buffer> {
  if (!entry.isFile) throw new AmbiguousRequestError(`${entry.name} in the context is no plain file`);
  if (entry.size > MAX_FILE) throw new AmbiguousRequestError(`${entry.name} in the context is too large`);
  const parts: Uint8Array[] = [];
  for await (const part of reader.content(entry)) parts.push(part);
  return Buffer.concat(parts);
}

/** As the tar names it. */
function plainName(named: string): string {
  const parts = named.split('/').filter((part) => part !== '' && part !== '.');
  if (
    parts.length === 0 ||
    parts.includes('..') ||
    named.startsWith('/') ||
    /[\\\p{Cc}]/u.test(named) ||
    parts.join('/') === IGNORE
  )
    throw new AmbiguousRequestError('the Dockerfile has to be named by a plain path in the context');
  return parts.join('/');
}

/** Without gzip; other packings are refused, since they are not undone here. */
async function* unpacked(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parts = body[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < 6) {
    const { value, done } = await parts.next();
    if (done === true) break;
    start = Buffer.concat([start, value]);
  }
  if (OTHERS.some((mark) => start.subarray(0, mark.length).equals(mark)))
    throw new AmbiguousRequestError('a context that is packed with anything but gzip cannot be judged');
  const all = rejoined(start, parts);
  if (!start.subarray(0, GZIP.length).equals(GZIP)) return yield* all;
  const plain = createGunzip();
  try {
    // an error on either side is thrown by the loop
    yield* pipeline(Readable.from(all), plain, () => {});
  } catch (cause) {
    if (!/^Z_/.test(String((cause as NodeJS.ErrnoException).code))) throw cause;
    throw new AmbiguousRequestError('the context of the build cannot be unpacked', { cause });
  }
}

async function* rejoined(start: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield start;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
