// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { type Document, isCollection, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { DecodeError, decodeJson } from '../../encoding/index.ts';
import { ConfigError } from './errors.ts';

export type ConfigPath = readonly (string | number)[];

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A file's text, read but not yet understood. */
export interface ConfigDocument {
  readonly file: string;
  /** Plain objects, arrays, strings, numbers, booleans and null. */
  readonly root: unknown;
  /** Of the value at this path, or of the nearest one above it that is there. */
  position(path: ConfigPath): Position | undefined;
}

export interface DocumentOptions {
  /** Keys are the same in capitals, as for the library that Notary reads its files with. */
  readonly ignoreCase?: boolean;
}

/** More than any configuration is; a device or a log that was named by mistake is not read into memory. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Reads JSON or YAML: which of them the extension says (`.json`, `.yaml`, `.yml`), else the text.
 * @throws ConfigError unreadable, too large, not well-formed, or no mapping
 */
export async function readConfigDocument(file: string, options: DocumentOptions = {}): Promise<ConfigDocument> {
  const bytes = await readBytes(file);
  if (extname(file).toLowerCase() === '.toml') throw whole(file, 'TOML is not read: write JSON or YAML');
  if (isJson(file, bytes)) assertJson(file, bytes);
  return parse(file, bytes.toString('utf8'), options);
}

async function readBytes(file: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw new ConfigError(file, [{ key: '', message: `cannot read the configuration: ${code}` }], { cause });
  }
  if (bytes.length > MAX_BYTES) throw whole(file, `larger than ${MAX_BYTES} bytes`);
  return bytes;
}

function isJson(file: string, bytes: Buffer): boolean {
  const extension = extname(file).toLowerCase();
  if (extension === '.json') return true;
  return extension !== '.yaml' && extension !== '.yml' && /^\s*\{/.test(bytes.toString('latin1'));
}

/** YAML takes more than JSON is, such as a comma too many: what calls itself JSON has to be it. */
function assertJson(file: string, bytes: Buffer): void {
  try {
    decodeJson(bytes);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    const before = bytes.toString('utf8').slice(0, cause.offset);
    const line = before.split('\n').length;
    const column = before.length - before.lastIndexOf('\n');
    throw new ConfigError(file, [{ key: '', message: `not JSON: ${cause.message}`, line, column }], { cause });
  }
}

function parse(file: string, text: string, { ignoreCase = false }: DocumentOptions): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  // a warning is of a tag that nobody knows: what it should make of the value cannot be guessed
  const problems = [...document.errors, ...document.warnings].map(({ message, pos: [offset] }) => {
    const { line, col } = lines.linePos(offset);
    return { key: '', message: message.split('\n', 1)[0] ?? 'not YAML', line, column: col };
  });
  if (problems.length > 0) throw new ConfigError(file, problems);
  const root: unknown = toPlain(file, document);
  if (!isRecord(root)) throw whole(file, 'a configuration is a mapping of keys to values');
  return {
    file,
    root: ignoreCase ? lowerCased(file, root, '') : root,
    position: (path) => positionOf(document, lines, path, ignoreCase),
  };
}

function toPlain(file: string, document: Document): unknown {
  try {
    return document.contents === null ? {} : document.toJS();
  } catch (cause) {
    // too many aliases: a few lines that would become gigabytes
    throw new ConfigError(file, [{ key: '', message: cause instanceof Error ? cause.message : 'not YAML' }], { cause });
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lowerCased(file: string, value: unknown, path: string): unknown {
  if (Array.isArray(value)) return value.map((item) => lowerCased(file, item, path));
  if (!isRecord(value)) return value;
  const lower = new Map<string, unknown>();
  for (const [key, child] of Object.entries(value)) {
    const name = key.toLowerCase();
    if (lower.has(name)) throw new ConfigError(file, [{ key: path + name, message: 'is there twice' }]);
    lower.set(name, lowerCased(file, child, `${path}${name}.`));
  }
  return Object.fromEntries(lower);
}

function positionOf(document: Document, lines: LineCounter, path: ConfigPath, ignoreCase: boolean) {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const step of path) {
    if (!isCollection(node)) break;
    const same = (key: unknown) =>
      ignoreCase ? String(key).toLowerCase() === String(step).toLowerCase() : String(key) === String(step);
    const pair = isMap(node) ? node.items.find(({ key }) => same(isScalar(key) ? key.value : key)) : undefined;
    const next = pair === undefined ? node.get(step, true) : pair.value;
    const named = isNode(pair?.key) ? pair.key : next;
    if (!isNode(named)) break;
    offset = named.range?.[0] ?? offset;
    node = next;
  }
  if (offset === undefined) return undefined;
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function whole(file: string, message: string): ConfigError {
  return new ConfigError(file, [{ key: '', message }]);
}
