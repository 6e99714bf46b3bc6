// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { type Document, isScalar, parseAllDocuments, visit } from 'yaml';
import { loadPinFile, pinningFrom } from '../client/index.ts';
import { compilePolicy, type PolicyFiles } from './compile.ts';
import { PolicyError } from './errors.ts';
import { PatternError } from './pattern.ts';
import type { Policy } from './policy.ts';
import { readDocument } from './schema.ts';

const MAX_BYTES = 1 << 20;
/** An alias is a convenience; thousands of them are a way to make a small file a large one (S23). */
const MAX_ALIASES = 200;
/** Whoever may write it decides what everybody may run (S7). */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Reads a policy. One that cannot be read, is misspelt, or that others may write, is an error and never taken for none
 * (S8 fail closed).
 * @throws PolicyError
 */
export function loadPolicy(path: string): Policy {
  return parsePolicy(readPolicyFile(path), path);
}

/** A policy from its YAML text; what it names is looked up in the directory of `path`. @throws PolicyError */
export function parsePolicy(text: string, path: string): Policy {
  const document = readDocument(parseYaml(text, path));
  if (!('version' in document)) {
    throw new PolicyError(
      path,
      document.map(({ path: keys, message }) => ({ place: placeText(keys), message: lowerFirst(message) })),
    );
  }
  return compilePolicy(document, path, filesBeside(path));
}

/** The one YAML document of a file, read strictly: duplicate keys and warnings are errors, and so are keys that are no text. @throws PolicyError */
function parseYaml(text: string, path: string): unknown {
  const documents = parseAllDocuments(text, { uniqueKeys: true, strict: true });
  const [document, second] = documents;
  if (second !== undefined) throw new PolicyError(path, [{ place: '', message: 'holds more than one document' }]);
  if (document === undefined) return undefined;
  refuseOtherKeys(document, path);
  return readValue(document, path);
}

/** Without quotes the tag `1.10` is a number, whose text is `1.1`: another tag would be pinned than the one that is read. */
function refuseOtherKeys(document: Document, path: string): void {
  visit(document, {
    Pair(_, { key }) {
      if (isScalar(key) && typeof key.value === 'string') return;
      const text = isScalar(key) ? (key.source ?? String(key.value)) : 'a list or a map';
      throw new PolicyError(path, [{ place: '', message: `the key ${text} is no text: put it in quotes` }]);
    },
  });
}

/** Every YAML document of a file, as strictly. @throws PolicyError */
export function parseYamlDocuments(text: string, path: string): readonly unknown[] {
  return parseAllDocuments(text, { uniqueKeys: true, strict: true }).map((document) => readValue(document, path));
}

function readValue(document: Document, path: string): unknown {
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined)
    throw new PolicyError(path, [{ place: '', message: problem.message.split('\n')[0] ?? '' }]);
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    throw new PolicyError(path, [{ place: '', message: 'too many aliases' }], { cause });
  }
}

/** The text of a policy or of what is to become one. @throws PolicyError */
export function readPolicyFile(path: string): string {
  let bytes: Uint8Array;
  try {
    const { size, mode } = statSync(path);
    if (size > MAX_BYTES) throw new PolicyError(path, [{ place: '', message: `more than ${MAX_BYTES} bytes` }]);
    if ((mode & WRITABLE_BY_OTHERS) !== 0)
      throw new PolicyError(path, [{ place: '', message: `can be written by others: chmod go-w ${path}` }]);
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause;
    throw new PolicyError(path, [{ place: '', message: `cannot be read: ${codeOf(cause)}` }], { cause });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new PolicyError(path, [{ place: '', message: 'is not UTF-8 text' }], { cause });
  }
}

function filesBeside(path: string): PolicyFiles {
  const directory = dirname(resolve(path));
  const absolute = (name: string) => (isAbsolute(name) ? name : resolve(directory, name));
  return {
    directory,
    pinning: (name) => pinningFrom(dirname(absolute(name)), loadPinFile(absolute(name))),
    authority: (name) => {
      let text: string;
      try {
        text = readFileSync(absolute(name), 'utf8');
      } catch (cause) {
        throw new PatternError(`cannot read ${absolute(name)}: ${codeOf(cause)}`, { cause });
      }
      if (!text.includes('-----BEGIN CERTIFICATE-----'))
        throw new PatternError(`${absolute(name)} holds no PEM certificate`);
      return text;
    },
  };
}

function placeText(keys: readonly PropertyKey[]): string {
  return keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

function lowerFirst(message: string): string {
  return message.slice(0, 1).toLowerCase() + message.slice(1);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
}
