// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIFFERENCES, explain } from '../differential/differences.ts';

const compatibility = readFileSync(join(import.meta.dir, '../../docs/compatibility.md'), 'utf8');

describe('differences from the original client', () => {
  test('each has its row in docs/compatibility.md, and holds in one direction only', () => {
    expect(DIFFERENCES.filter(({ row }) => !compatibility.includes(row)).map(({ name }) => name)).toEqual([]);
    expect(DIFFERENCES.filter(({ ours, original }) => (ours === undefined) === (original === undefined))).toEqual([]);
  });

  test('what no rule speaks of is explained by none', () => {
    const trusted = { trusted: ['latest'] };
    const about = { start: 'first use' as const, labels: ['targets: signed by nobody'] };

    expect(
      explain({ ...about, ours: trusted, original: { refused: 'signatures did not meet threshold' } }),
    ).toBeUndefined();
    expect(explain({ ...about, ours: { refused: 'threshold: 0 of 1' }, original: trusted })).toBeUndefined();
    expect(explain({ ...about, ours: trusted, original: { trusted: ['other'] } })).toBeUndefined();
  });
});
