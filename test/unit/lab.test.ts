// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EXERCISES, labPage, type Outcome, openStage, type Player, play, type Stage } from '../../src/lab/index.ts';
import { runCaptured } from '../support/command-line.ts';

let work: string;
let stage: Stage;
beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'hallmark-lab-test-'));
  stage = await openStage(work, () => new Date());
});
afterAll(async () => {
  await stage.close();
  rmSync(work, { recursive: true, force: true });
});

/** Plays without a word, and keeps what was judged. */
function silentPlayer() {
  const judged: { so: string; kept: boolean; outcome: Outcome }[] = [];
  let last: Outcome = { exitCode: -1, stdout: '', stderr: '' };
  const player: Player = {
    run: (argv, env, now) => runCaptured(argv, env, now),
    ready: async () => {},
    ran: (outcome) => {
      last = outcome;
    },
    happened: () => {},
    judged: (so, kept) => void judged.push({ so, kept, outcome: last }),
  };
  return { player, judged };
}

describe('the lab keeps what it promises', () => {
  for (const exercise of EXERCISES) {
    test(`${exercise.slug}: every command ends as the page says`, async () => {
      const { player, judged } = silentPlayer();
      expect(await play(exercise, 'test', stage, work, player)).toBe(0);
      expect(judged.filter(({ kept }) => !kept)).toEqual([]);
      expect(judged.length).toBeGreaterThan(0);
    });
  }

  test('an exercise can be repeated', async () => {
    const [exercise] = EXERCISES;
    if (exercise === undefined) throw new Error('no exercises');
    for (const run of ['first', 'second']) {
      expect(await play(exercise, run, stage, work, silentPlayer().player)).toBe(0);
    }
  });

  test('a promise that is not kept is counted', async () => {
    const [, trustOn] = EXERCISES;
    if (trustOn === undefined) throw new Error('no exercises');
    const { player, judged } = silentPlayer();
    const obliging: Player = { ...player, run: async () => ({ exitCode: 0, stdout: '', stderr: '' }) };
    expect(await play(trustOn, 'broken', stage, work, obliging)).toBe(1);
    expect(judged.map(({ kept }) => kept)).toEqual([true, false]);
  });
});

describe('the page', () => {
  test('docs/lab.md is what the exercises say: npm run docs writes it anew', () => {
    const page = readFileSync(resolve(import.meta.dir, '../../docs/lab.md'), 'utf8');
    expect(page).toBe(labPage(EXERCISES));
  });

  test('each exercise has three sentences, a name of its own, and each attack the rule that refuses it', () => {
    const sentences = (text: string) => text.split(/[.!?](?:\s|$)/).filter((part) => part !== '').length;
    expect(EXERCISES.filter(({ about }) => sentences(about) !== 3).map(({ slug }) => slug)).toEqual([]);
    expect(new Set(EXERCISES.map(({ slug }) => slug)).size).toBe(EXERCISES.length);
    expect(EXERCISES.filter(({ part, rule }) => part !== 'Sign and verify' && rule === undefined)).toEqual([]);
  });
});
