// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { CHAIN_START, type ChainHead, checkLine } from './chain.ts';
import type { AuditJson, AuditLine } from './records.ts';

/** An audit file that cannot be used, or that was changed. */
export class AuditFileError extends Error {
  override readonly name = 'AuditFileError';
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(`${message}: ${path}`, options);
    this.path = path;
  }
}

type Fields = { readonly [name: string]: AuditJson };

const HASH = /^[0-9a-f]{64}$/;

function fieldsOf(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

/** What the first line of a file says that it goes on from. */
function parseHeader(line: string): ChainHead | undefined {
  const fields = fieldsOf(line);
  if (fields?.audit !== 'hallmark' || fields.version !== 1) return undefined;
  const { after, previous } = fields;
  if (typeof after !== 'string' || !/^\d+$/.test(after)) return undefined;
  if (typeof previous !== 'string' || !HASH.test(previous)) return undefined;
  return { position: Number(after), hash: previous };
}

/** A line of a file, with the hash that it ends in. */
export type AuditFileLine =
  | { readonly kind: 'header'; readonly start: ChainHead; readonly hash: string }
  | { readonly kind: 'entry'; readonly entry: AuditLine; readonly hash: string };

export function parseAuditLine(line: string): AuditFileLine | undefined {
  const fields = fieldsOf(line);
  const hash = fields?.hash;
  if (fields === undefined || typeof hash !== 'string' || !HASH.test(hash)) return undefined;
  const start = parseHeader(line);
  if (start !== undefined) return { kind: 'header', start, hash };
  const entry = entryOf(fields);
  return entry && { kind: 'entry', entry, hash };
}

function entryOf(fields: Fields): AuditLine | undefined {
  const { id, at, action, actor, detail } = fields;
  if (typeof id !== 'string' || typeof at !== 'string' || typeof action !== 'string' || typeof actor !== 'string') {
    return undefined;
  }
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return undefined;
  if (!/^\d+$/.test(id) || Number.isNaN(Date.parse(at))) return undefined;
  const text = <Name extends string>(name: Name) =>
    (typeof fields[name] === 'string' ? { [name]: fields[name] } : {}) as { readonly [N in Name]?: string };
  return {
    id,
    at: new Date(at),
    action,
    ...text('gun'),
    actor: { name: actor, ...text('address'), ...text('requestId') },
    detail: detail as Fields,
  };
}

/** The entries of a file, in its order. @throws AuditFileError at the first line that is none */
export async function* readAuditFile(path: string): AsyncGenerator<AuditLine> {
  for await (const { line, number } of linesOf(path)) {
    const parsed = parseAuditLine(line);
    if (parsed === undefined) throw new AuditFileError(path, `line ${number} is none of an audit log`);
    if (parsed.kind === 'entry') yield parsed.entry;
  }
}

/** What a whole file was found to hold. */
export interface AuditFileReport {
  readonly entries: number;
  /** What the file goes on from. */
  readonly start: ChainHead;
  /** Noted elsewhere, it later shows whether lines were taken from the end. */
  readonly head: ChainHead;
}

/**
 * That every line of a file follows on the one above it: none was changed, put in, taken out or moved.
 * @param before the head of the file that this one goes on from
 * @throws AuditFileError naming the first line that does not
 */
export async function verifyAuditFile(path: string, before?: ChainHead): Promise<AuditFileReport> {
  let start: ChainHead | undefined;
  let head: ChainHead = CHAIN_START;
  let entries = 0;
  for await (const { line, number } of linesOf(path)) {
    const parsed = parseAuditLine(line);
    if (parsed?.kind === 'header' && start === undefined) start = head = parsed.start;
    if (start === undefined) throw new AuditFileError(path, 'no audit file: it does not begin like one');
    if (parsed === undefined || checkLine(line, head.hash) === undefined) {
      throw new AuditFileError(path, `line ${number} does not follow on the one above: the file was changed`);
    }
    if (parsed.kind === 'entry' && Number(parsed.entry.id) <= head.position) {
      throw new AuditFileError(path, `line ${number} goes back in time`);
    }
    entries += parsed.kind === 'entry' ? 1 : 0;
    head = { position: parsed.kind === 'entry' ? Number(parsed.entry.id) : head.position, hash: parsed.hash };
  }
  if (start === undefined) throw new AuditFileError(path, 'no audit file: it is empty');
  if (before !== undefined && before.hash !== start.hash) {
    throw new AuditFileError(path, `it does not go on from entry ${before.position}: a file is missing or was changed`);
  }
  return { entries, start, head };
}

/** More than a publish of a thousand files takes. */
export const MAX_LINE = 1024 * 1024;

/** One line of a file, its number in it, and how many bytes it takes; those are not known of one that has no end. */
export interface FileLine {
  readonly line: string;
  readonly number: number;
  readonly end: number | undefined;
}

/** Lines end in a line feed and nothing else; one that was cut off is a line too. */
export async function* linesOf(
  path: string,
  bytes: AsyncIterable<Buffer> = createReadStream(path),
): AsyncGenerator<FileLine> {
  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of bytes) {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
        yield { line: rest.toString('utf8', 0, end), number: ++number, end: end + 1 };
        rest = rest.subarray(end + 1);
      }
      if (rest.length > MAX_LINE) throw new AuditFileError(path, `line ${number + 1} has no end`);
    }
  } catch (cause) {
    if (cause instanceof AuditFileError) throw cause;
    throw new AuditFileError(path, 'cannot read the audit file', { cause });
  }
  if (rest.length > 0) yield { line: rest.toString('utf8'), number: ++number, end: undefined };
}
