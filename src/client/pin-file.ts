// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { DecodeError, decodeJsonObject, encodeUtf8, type JsonObject, type JsonValue } from '../encoding/index.ts';
import { type KeyId, MetadataError, parseGun, parseKeyId } from '../tuf/index.ts';
import { TrustDirectoryError } from './errors.ts';
import { readIfThere, replaceFile } from './files.ts';
import type { TrustPinning } from './pinning.ts';

/** What a user pinned, as it is written: CA certificates as PEM text, or as the file that holds them. */
export interface Pins {
  /** Whether a repository that no pin covers is trusted on first use; true where nothing is said. */
  readonly tofu?: boolean;
  readonly certs: ReadonlyMap<string, readonly KeyId[]>;
  readonly keys: ReadonlyMap<string, readonly KeyId[]>;
  readonly ca: ReadonlyMap<string, string>;
}

export const NO_PINS: Pins = { certs: new Map(), keys: new Map(), ca: new Map() };

const MAX_BYTES = 4 * 1024 * 1024;
const FIELDS = ['tofu', 'certs', 'keys', 'ca'];
/** Whoever may write it decides whom its owner trusts (S7). */
const WRITABLE_BY_OTHERS = 0o022;

/** `<trust dir>/hallmark/pins.json` */
export function pinFilePath(trustDirectory: string): string {
  return join(trustDirectory, 'hallmark', 'pins.json');
}

/**
 * The user's pins; none where there is no file. One that cannot be read, or that others may write, is an error and never
 * taken for "no pins" (S8 fail closed).
 * @throws TrustDirectoryError `unreadable`, `damaged`
 */
export function loadPins(trustDirectory: string): Pins {
  return readPins(pinFilePath(trustDirectory)) ?? NO_PINS;
}

/** As {@link loadPins}, of a file that has to be there. @throws TrustDirectoryError */
export function loadPinFile(path: string): Pins {
  const pins = readPins(path);
  if (pins === undefined) throw new TrustDirectoryError('unreadable', path, `there are no pins at ${path}`);
  return pins;
}

function readPins(path: string): Pins | undefined {
  const bytes = readIfThere(path);
  if (bytes === undefined) return undefined;
  if ((statSync(path).mode & WRITABLE_BY_OTHERS) !== 0)
    throw new TrustDirectoryError('damaged', path, `${path} can be written by others: chmod 600 ${path}`);
  try {
    return decodePins(bytes);
  } catch (cause) {
    if (!(cause instanceof MetadataError)) throw cause;
    throw new TrustDirectoryError('damaged', path, `${path}: ${cause.message}`, { cause });
  }
}

/** @throws TrustDirectoryError `unwritable`, and the file is as it was */
export function storePins(trustDirectory: string, pins: Pins): void {
  replaceFile(pinFilePath(trustDirectory), encodePins(pins));
}

/** The pins as a client applies them; relative CA files are looked up beside the pins. @throws TrustDirectoryError */
export function trustPinning(trustDirectory: string, pins: Pins): TrustPinning {
  return pinningFrom(dirname(pinFilePath(trustDirectory)), pins);
}

/** The same with relative CA files looked up in any directory. @throws TrustDirectoryError */
export function pinningFrom(directory: string, pins: Pins): TrustPinning {
  const ca = new Map([...pins.ca].map(([name, text]) => [name, isPem(text) ? text : readCa(directory, text)]));
  return { certs: pins.certs, keys: pins.keys, ca, trustOnFirstUse: pins.tofu ?? true };
}

function isPem(text: string): boolean {
  return text.startsWith('-----BEGIN ');
}

function readCa(directory: string, file: string): string {
  const path = isAbsolute(file) ? file : resolve(directory, file);
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TrustDirectoryError('unreadable', path, `cannot read the pinned CA file ${path}`, { cause });
  }
}

/** Reads pins strictly: a field that is misspelt must not pass for one that is left out. @throws MetadataError `malformed` */
export function decodePins(bytes: Uint8Array): Pins {
  try {
    if (bytes.length > MAX_BYTES) throw new DecodeError(`more than ${MAX_BYTES} bytes`);
    const document = decodeJsonObject(bytes);
    for (const name of document.keys())
      if (!FIELDS.includes(name)) throw new DecodeError(`unknown field ${JSON.stringify(name.slice(0, 60))}`);
    const tofu = document.get('tofu');
    if (tofu !== undefined && typeof tofu !== 'boolean') throw new DecodeError('tofu is neither true nor false');
    const pins = {
      certs: entries(document, 'certs', keyIds),
      keys: entries(document, 'keys', keyIds),
      ca: entries(document, 'ca', authority),
    };
    return tofu === undefined ? pins : { tofu, ...pins };
  } catch (cause) {
    if (cause instanceof DecodeError) throw new MetadataError('malformed', `pins: ${cause.message}`, { cause });
    throw cause;
  }
}

function entries<T>(
  document: JsonObject,
  field: string,
  read: (value: JsonValue, name: string) => T,
): ReadonlyMap<string, T> {
  const object = document.get(field) ?? new Map<string, JsonValue>();
  if (!(object instanceof Map)) throw new DecodeError(`${field} is not an object`);
  return new Map([...object].map(([name, value]): [string, T] => [checkPinName(name), read(value, name)]));
}

/**
 * A GUN, or a prefix of GUNs that ends in `*`; upper and lower case differ.
 * @throws MetadataError `malformed`
 */
export function checkPinName(name: string): string {
  const prefix = name.endsWith('*') ? name.slice(0, -1) : name;
  // a prefix may end in the middle of a component, or before one
  const whole = prefix === '' || prefix.endsWith('/') ? `${prefix}x` : prefix;
  parseGun(whole);
  return name;
}

function keyIds(value: JsonValue, name: string): readonly KeyId[] {
  if (!Array.isArray(value)) throw new DecodeError(`${name} has no list of key ids`);
  return value.map((id) => {
    if (typeof id !== 'string') throw new DecodeError(`${name} lists something other than key ids`);
    return parseKeyId(id);
  });
}

function authority(value: JsonValue, name: string): string {
  if (typeof value !== 'string' || value === '') throw new DecodeError(`${name} names no CA file`);
  return value;
}

/** The text of a pins file. */
export function encodePins({ tofu, certs, keys, ca }: Pins): Uint8Array {
  const object = (map: ReadonlyMap<string, unknown>) =>
    Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
  const document = {
    ...(tofu === undefined ? {} : { tofu }),
    ...(certs.size === 0 ? {} : { certs: object(certs) }),
    ...(keys.size === 0 ? {} : { keys: object(keys) }),
    ...(ca.size === 0 ? {} : { ca: object(ca) }),
  };
  return encodeUtf8(`${JSON.stringify(document, null, 2)}\n`);
}
