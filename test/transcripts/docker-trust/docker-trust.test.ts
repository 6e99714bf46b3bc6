// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TranscriptStage } from './stage.ts';
import { parseTranscript, sectionsOf } from './transcript.ts';

/** Set to write what the program does now in the place of what was expected: to be read before it is kept. */
const rewrites = process.env.HALLMARK_REWRITE_TRANSCRIPTS === '1';

for (const file of readdirSync(import.meta.dir).filter((name) => name.endsWith('.txt'))) {
  const path = join(import.meta.dir, file);
  const steps = parseTranscript(readFileSync(path, 'utf8'));

  describe(`docker trust, transcript ${file}`, () => {
    let stage: TranscriptStage;
    const actual: string[] = [];

    beforeAll(async () => {
      stage = await TranscriptStage.open();
      for (const step of steps) actual.push(sectionsOf(await stage.run(step)));
      if (rewrites) writeFileSync(path, steps.map(({ head }, index) => `${head}\n${actual[index]}\n`).join(''));
    });
    afterAll(() => stage?.close());

    for (const [index, step] of steps.entries()) {
      test(step.title, () => expect(actual[index]).toBe(rewrites ? actual[index] : step.expected));
    }
  });
}
