// SPDX-License-Identifier: Apache-2.0
import { isAbsolute } from 'node:path';
import { KeyStoreError } from '../errors.ts';

/** What a `pkcs11:` URI (RFC 7512) says of a token and of keys in it. Every attribute that is absent matches all. */
export interface TokenUri {
  readonly token?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly slotId?: number;
  /** CKA_LABEL of a key. */
  readonly object?: string;
  /** CKA_ID of a key. */
  readonly id?: Uint8Array;
  /** The token library: an absolute path. */
  readonly modulePath?: string;
  /** The token library's name, without directory, `lib` and ending. */
  readonly moduleName?: string;
  /** The file that holds the PIN. */
  readonly pinFile?: string;
}

const SCHEME = 'pkcs11:';
const MAX_URI = 4096;
const TEXT = new TextDecoder('utf-8', { fatal: true });
const MODULE_NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;
/** Attributes that RFC 7512 defines and that say nothing here: only private keys are looked for, of any library. */
const PASSED_OVER = ['type', 'library-manufacturer', 'library-description', 'library-version', 'slot-description'];

/**
 * Reads a token's URI. A `pin-value` is refused: a PIN is never an argument or a setting (S6), and since the URI may hold
 * one, no error repeats any of it.
 * @throws KeyStoreError `malformed`
 */
export function parseTokenUri(text: string): TokenUri {
  if (!text.toLowerCase().startsWith(SCHEME)) throw malformed("a token is named by a URI that begins with 'pkcs11:'");
  if (text.length > MAX_URI) throw malformed(`a token URI has at most ${MAX_URI} characters`);
  const [path = '', query, ...rest] = text.slice(SCHEME.length).split('?');
  if (rest.length > 0) throw malformed("a token URI has one '?' at most");
  const attributes = new Map([...attributesOf(path, ';'), ...attributesOf(query ?? '', '&')]);
  const uri: { -readonly [Name in keyof TokenUri]: TokenUri[Name] } = {};
  for (const [name, value] of attributes) read(uri, name, value);
  return uri;
}

function attributesOf(part: string, separator: string): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const attribute of part.split(separator).filter((piece) => piece !== '')) {
    const [name, ...value] = attribute.split('=');
    if (name === undefined || !/^[a-z0-9_-]+$/i.test(name) || value.length === 0)
      throw malformed('a token URI consists of name=value');
    if (found.has(name)) throw malformed(`a token URI has ${name} once at most`);
    found.set(name, percentDecoded(value.join('='), name));
  }
  return found;
}

function percentDecoded(text: string, name: string): Uint8Array {
  if (/%(?![0-9a-f]{2})/i.test(text) || !/^[\x21-\x7e]*$/.test(text))
    throw malformed(`${name} of a token URI must be percent-encoded`);
  return Uint8Array.from(text.match(/%..|./g) ?? [], (piece) =>
    piece.length === 1 ? piece.charCodeAt(0) : Number.parseInt(piece.slice(1), 16),
  );
}

type Draft = { -readonly [Name in keyof TokenUri]: TokenUri[Name] };

function read(uri: Draft, name: string, value: Uint8Array): void {
  switch (name) {
    case 'token':
    case 'manufacturer':
    case 'model':
    case 'serial':
    case 'object':
      uri[name] = decoded(name, value);
      return;
    case 'id':
      uri.id = value;
      return;
    case 'slot-id':
      uri.slotId = slotId(decoded(name, value));
      return;
    case 'module-path':
      uri.modulePath = absolute(name, decoded(name, value));
      return;
    case 'module-name':
      uri.moduleName = moduleName(decoded(name, value));
      return;
    case 'pin-source':
      uri.pinFile = pinFile(decoded(name, value));
      return;
    case 'pin-value':
      throw new KeyStoreError('malformed', 'a PIN must not stand in a token URI: others can read it there', {
        remedy: 'leave pin-value out: the PIN is asked for, or read from --pin-fd N or pin-source=file:/path',
      });
  }
  if (!PASSED_OVER.includes(name)) throw malformed(`a token URI has no attribute ${name}`);
}

function decoded(name: string, value: Uint8Array): string {
  try {
    const text = TEXT.decode(value);
    if (text !== '' && !/\p{Cc}/u.test(text)) return text;
  } catch {
    // told below, without the value
  }
  throw malformed(`${name} of a token URI is no text`);
}

function slotId(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw malformed('slot-id of a token URI is no number');
  return Number(text);
}

/** S35: a relative path would load a library from wherever the program happens to run. */
function absolute(name: string, path: string): string {
  if (!isAbsolute(path)) throw malformed(`${name} of a token URI must be an absolute path`);
  return path;
}

function moduleName(name: string): string {
  if (!MODULE_NAME.test(name)) throw malformed('module-name of a token URI is no plain name');
  return name;
}

/** A file alone: `|command`, which the RFC allows too, would run whatever stands in a variable. */
function pinFile(source: string): string {
  const path = source.replace(/^file:(?:\/\/(?=\/))?/, '');
  if (source.startsWith('|')) throw malformed('pin-source of a token URI must be a file, not a command');
  return absolute('pin-source', path);
}

function malformed(message: string): KeyStoreError {
  return new KeyStoreError('malformed', message, {
    remedy: "write it as 'pkcs11:token=LABEL?module-path=/path/to/lib.so'",
  });
}

const UNRESERVED = /[A-Za-z0-9._~-]/;

/** The URI of a token or a key, as it is shown: no PIN file, no library. */
export function formatTokenUri({ token, serial, object, id }: TokenUri): string {
  const parts = [
    token === undefined ? [] : [`token=${percentEncoded(token)}`],
    serial === undefined ? [] : [`serial=${percentEncoded(serial)}`],
    object === undefined ? [] : [`object=${percentEncoded(object)}`],
    id === undefined ? [] : [`id=${[...id].map(percent).join('')}`],
  ].flat();
  return `${SCHEME}${parts.join(';')}`;
}

function percentEncoded(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) => (UNRESERVED.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : percent(byte)))
    .join('');
}

function percent(byte: number): string {
  return `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
}
