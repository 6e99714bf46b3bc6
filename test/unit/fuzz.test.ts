// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fuzzer, outcomeOf } from '../fuzz/engine.ts';
import { FUZZ_TARGETS } from '../fuzz/targets.ts';
import { VECTORS } from '../support/vectors.ts';

const FOUND = join(VECTORS, 'fuzz');
/** The same inputs each time; `npm run fuzz` draws others. */
const SEED = 20_261_125;
const EXECUTIONS = 120;

describe('S22 hostile bytes are read or refused by a typed error, soon, and leave nothing behind', () => {
  for (const target of FUZZ_TARGETS) {
    test(target.name, async () => {
      const fuzzer = new Fuzzer(target, SEED);
      await fuzzer.runCorpus();
      await fuzzer.run(EXECUTIONS);

      const { findings, executions } = fuzzer.report;
      expect(findings.map(({ what }) => what)).toEqual([]);
      expect(executions).toBeGreaterThan(EXECUTIONS);
    });
  }
});

describe('what fuzzing found once', () => {
  const folders = existsSync(FOUND) ? readdirSync(FOUND) : [];

  test('belongs to a target that there is', () => {
    expect(folders.filter((folder) => !FUZZ_TARGETS.some(({ name }) => name === folder))).toEqual([]);
  });

  for (const folder of folders) {
    for (const file of readdirSync(join(FOUND, folder))) {
      test(`${folder}/${file}`, async () => {
        const target = FUZZ_TARGETS.find(({ name }) => name === folder);
        const input = new Uint8Array(readFileSync(join(FOUND, folder, file)));

        expect(target && (await outcomeOf(target, input)).fault).toBeUndefined();
      });
    }
  }
});
