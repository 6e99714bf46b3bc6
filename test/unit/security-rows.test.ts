// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namedTests, rowsOf } from '../support/test-names.ts';

const root = join(import.meta.dir, '..', '..');
const ROWS = Array.from({ length: 38 }, (_, index) => index + 1);
/** Rows about parts that may not be there: with the folder, the row needs a test. */
const NEEDS: Readonly<Record<number, string>> = { 4: 'src/signer', 29: 'src/policy', 30: 'src/admission' };

const tests = namedTests();
const table = [...readFileSync(join(root, 'docs/security.md'), 'utf8').matchAll(/^\| (\d+) \| (.*) \| (.*) \|$/gm)].map(
  ([, row, invariant, cited]) => ({ row: Number(row), invariant, cited: cited ?? '' }),
);

/** The tests that a row of the table cites: a file, then names in quotes. */
function citations(cited: string): readonly { readonly file: string; readonly name: string | undefined }[] {
  return [...cited.matchAll(/`([\w./-]+\.test\.ts)`((?:[ ,]*"[^"]*")*)/g)].flatMap((match) => {
    const file = (match[1] ?? '').startsWith('test/') ? (match[1] ?? '') : `src/${match[1]}`;
    const names = [...(match[2] ?? '').matchAll(/"([^"]*)"/g)].map((name) => name[1]);
    return names.length === 0 ? [{ file, name: undefined }] : names.map((name) => ({ file, name }));
  });
}

describe('the findings of docs/security.md', () => {
  test('are all there, each with its invariant', () => {
    expect(table.map(({ row }) => row)).toEqual(ROWS);
  });

  test('have each a test of their number, where the part that they concern exists', () => {
    const carried = new Set(tests.flatMap(rowsOf));
    const due = ROWS.filter((row) => NEEDS[row] === undefined || existsSync(join(root, NEEDS[row])));

    expect(due.filter((row) => !carried.has(row))).toEqual([]);
  });

  test('cite tests that there are', () => {
    const missing = table.flatMap(({ row, cited }) =>
      citations(cited)
        .filter(
          ({ file, name }) =>
            !tests.some((one) => one.file === file && (name === undefined || isNamed(one.name, name))),
        )
        .map(({ file, name }) => `S${row}: ${file} "${name}"`),
    );
    expect(missing).toEqual([]);
  });

  test('are no more than 38: a name with another number means nothing', () => {
    expect(tests.filter((one) => rowsOf(one).some((row) => !ROWS.includes(row)))).toEqual([]);
  });
});

/** A name that is made at run time fits what is written before its first part that is made. */
function isNamed(source: string, cited: string): boolean {
  const [fixed = ''] = source.split('${');
  return source.includes(cited) || (source.includes('${') && fixed.length > 3 && cited.startsWith(fixed));
}
