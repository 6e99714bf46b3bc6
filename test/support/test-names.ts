// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dir, '..', '..');

export interface NamedTest {
  /** Path from the root of the project. */
  readonly file: string;
  /** As the source spells it: a name that is made has its parts in `${…}`. */
  readonly name: string;
}

const NAME = /\b(?:describe|test|promise|it)\w*(?:\.each\([^)]*\))?\(\s*(['"`])((?:\\.|(?!\1)[\s\S])*)\1/g;

/** A name that stands in a table of cases. */
const IN_TABLE = /(['"`])(S\d{1,2} (?:\\.|(?!\1)[^\n])*)\1/g;

/** Every name of a test, or of a group of tests, in the order of files. */
export function namedTests(): readonly NamedTest[] {
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(?:test|contract)\.ts$/.test(file))
      .map((file) => join(folder, file)),
  );
  return files.sort().flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const names = [NAME, IN_TABLE].flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[2] ?? ''));
    return [...new Set(names)].map((name) => ({ file, name: name.replaceAll(/\\(['"`])/g, '$1') }));
  });
}

/** The rows of docs/security.md that a name carries, such as 2 and 26 of `S2 S26 expiry of every role`. */
export function rowsOf({ name }: NamedTest): readonly number[] {
  return [...name.matchAll(/\bS(\d{1,2})\b/g)].map((match) => Number(match[1]));
}
