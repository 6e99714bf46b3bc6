// SPDX-License-Identifier: Apache-2.0

/** How many bytes follow a head. */
export type Body =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' };

export interface Header {
  readonly name: string;
  readonly value: string;
}

/** The first lines of an HTTP/1.1 request, as the engine will read them and in no other way. */
export interface RequestHead {
  readonly method: string;
  /** Decoded, without the query: `/v1.43/images/create`. */
  readonly path: string;
  /** As it came, after the question mark; empty without one. */
  readonly query: string;
  readonly headers: readonly Header[];
  readonly body: Body;
  /** Whether the client asks to go on with another protocol. */
  readonly upgrades: boolean;
}

/** A request that two readers could understand in two ways: none of them gets it. */
export class AmbiguousRequestError extends Error {
  override readonly name = 'AmbiguousRequestError';

  /** For whoever sent it: with who says so. */
  get told(): string {
    return `content trust: this request cannot be judged for certain: ${this.message}`;
  }
}

const REQUEST_LINE = /^([A-Z]{1,16}) (\/[\x21-\x7e]*) HTTP\/1\.1$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;
const MAX_HEADERS = 200;

/**
 * Reads a head strictly: whatever the engine's own reader might take otherwise (two lengths, folded lines, a path that means
 * another once decoded) is refused, since it would be judged as one thing and done as another (S24).
 * @param bytes up to the empty line, without it
 * @throws AmbiguousRequestError
 */
export function parseRequestHead(bytes: Uint8Array): RequestHead {
  const lines = Buffer.from(bytes).toString('latin1').split('\r\n');
  const [, method, target] = REQUEST_LINE.exec(lines[0] ?? '') ?? [];
  if (method === undefined || target === undefined) throw new AmbiguousRequestError('not a request of HTTP/1.1');
  if (lines.length > MAX_HEADERS) throw new AmbiguousRequestError('too many headers');
  const headers = lines.slice(1).map(parseHeader);
  const mark = target.indexOf('?');
  return {
    method,
    path: plainPath(mark < 0 ? target : target.slice(0, mark)),
    query: mark < 0 ? '' : target.slice(mark + 1),
    headers,
    body: bodyOf(headers),
    upgrades: hasToken(headers, 'connection', 'upgrade') && valuesOf(headers, 'upgrade').length > 0,
  };
}

function parseHeader(line: string): Header {
  const [, name, value] = HEADER_LINE.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new AmbiguousRequestError('a header that is none');
  return { name: name.toLowerCase(), value: value.trimEnd() };
}

/** The engine's router decodes the path once, and would clean it: one that needs cleaning is not what it seems. */
function plainPath(raw: string): string {
  let path: string;
  try {
    path = decodeURIComponent(raw);
  } catch (cause) {
    throw new AmbiguousRequestError('a path that cannot be decoded', { cause });
  }
  if (/[%?#\\\p{Cc}]/u.test(path) || /\/\/|\/\.{1,2}(?:\/|$)/.test(path))
    throw new AmbiguousRequestError('a path that is not plain');
  return path;
}

export function valuesOf(headers: readonly Header[], name: string): readonly string[] {
  return headers.filter((header) => header.name === name).map(({ value }) => value);
}

function hasToken(headers: readonly Header[], name: string, token: string): boolean {
  return valuesOf(headers, name).some((value) => value.split(',').some((part) => part.trim().toLowerCase() === token));
}

function bodyOf(headers: readonly Header[]): Body {
  const lengths = valuesOf(headers, 'content-length');
  const codings = valuesOf(headers, 'transfer-encoding');
  if (lengths.length + codings.length > 1) throw new AmbiguousRequestError('more than one length of the body');
  if (codings.length === 1) {
    if (codings[0]?.toLowerCase() !== 'chunked') throw new AmbiguousRequestError('an unknown transfer coding');
    return { kind: 'chunked' };
  }
  const [length] = lengths;
  if (length === undefined) return { kind: 'none' };
  if (!/^\d{1,15}$/.test(length)) throw new AmbiguousRequestError('a length that is no number');
  return Number(length) === 0 ? { kind: 'none' } : { kind: 'length', bytes: Number(length) };
}

/** The head as bytes again, with other headers where `change` says so: `undefined` takes one away. */
export function encodeRequestHead(
  { method, headers }: RequestHead,
  target: string,
  change: Readonly<Record<string, string | undefined>>,
): Uint8Array {
  const kept = headers.filter(({ name }) => !Object.hasOwn(change, name)).map(({ name, value }) => `${name}: ${value}`);
  const added = Object.entries(change).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${[...kept, ...added].join('\r\n')}\r\n\r\n`, 'latin1');
}
