// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { thrownBy } from '../../../test/support/refusals.ts';
import { KeyStoreError } from '../index.ts';
import { findShares, formatShare } from './index.ts';
import { combineShares, type Share, splitKey } from './shares.ts';

const refusal = (work: () => unknown) => thrownBy(KeyStoreError, work);

const key = new Uint8Array(randomBytes(32));

function pick(shares: readonly Share[], ...numbers: number[]): readonly Share[] {
  return shares.filter(({ number }) => numbers.includes(number));
}

describe('shares of a key', () => {
  test('any three of five make the key again, in any order', async () => {
    const shares = await splitKey(key, 5, 3);

    for (const [a, b, c] of [
      [1, 2, 3],
      [5, 3, 1],
      [2, 4, 5],
    ] as const) {
      const some = [...pick(shares, a), ...pick(shares, b), ...pick(shares, c)];
      expect(await combineShares(some, some[0] as Share)).toEqual(key);
    }
  });

  test('two of three that are needed are too few, and the same one twice is one', async () => {
    const shares = await splitKey(key, 5, 3);
    const [first] = shares as readonly [Share];

    expect((await refusal(() => combineShares(pick(shares, 1, 2), first))).message).toBe(
      '3 different shares are needed, and 2 are given',
    );
    expect((await refusal(() => combineShares([first, first, first], first))).message).toContain('and 1 are given');
  });

  test('a share of another backup is named', async () => {
    const [ours, others] = [await splitKey(key, 3, 2), await splitKey(key, 3, 2)];

    const error = await refusal(() => combineShares([...pick(ours, 1), ...pick(others, 2)], ours[0] as Share));

    expect(error.message).toContain('share 2 belongs to another backup');
  });

  test('fewer shares than needed tell nothing: they fit every key', async () => {
    const [one] = await splitKey(key, 3, 2);
    const [other] = await splitKey(new Uint8Array(32), 3, 2);

    expect(one?.bytes.length).toBe(33);
    expect(one?.bytes).not.toEqual(other?.bytes as Uint8Array);
    expect(Buffer.from(one?.bytes ?? []).includes(Buffer.from(key.subarray(0, 4)))).toBe(false);
  });
});

describe('the text of a share', () => {
  test('is a mark and 18 groups of four, and says what it is', async () => {
    const [share] = (await splitKey(key, 9, 4)) as readonly [Share];
    const text = formatShare(share);

    expect(text).toMatch(/^HM1(?:-[0-9A-HJKMNP-TV-Z]{4}){18}$/);
    expect(findShares(text)).toEqual([share]);
    expect(share).toMatchObject({ shares: 9, needed: 4, number: 1 });
  });

  test('may be typed as people type', async () => {
    const [share] = (await splitKey(key, 3, 2)) as readonly [Share];
    const text = formatShare(share);

    for (const typed of [
      text.toLowerCase(),
      text.replaceAll('-', ' '),
      `HM1-${text.slice(4).replaceAll('-', '')}`,
      text.replaceAll('0', 'o').replaceAll('1', 'l').replace(/^HMl/, 'HM1'),
      `Keep this.\n\n    HM1\n    ${text.slice(4).replaceAll(/(.{29})-/g, '$1\n    ')}\n\nBackup file x`,
    ])
      expect(findShares(typed)).toEqual([share]);
  });

  test('every mistyped character is found out', async () => {
    const [share] = (await splitKey(key, 3, 2)) as readonly [Share];
    const text = formatShare(share);

    for (let at = 4; at < text.length; at++) {
      if (text[at] === '-') continue;
      const wrong = `${text.slice(0, at)}${text[at] === '7' ? '8' : '7'}${text.slice(at + 1)}`;
      expect((await refusal(() => findShares(wrong))).code).toBe('malformed');
    }
  });

  test('a text that is cut off, or no share at all, is refused', async () => {
    const [share] = (await splitKey(key, 3, 2)) as readonly [Share];

    for (const text of ['', 'hello', 'HM1', formatShare(share).slice(0, -1), `${formatShare(share).slice(0, -1)}U`])
      expect((await refusal(() => findShares(text))).code).toBe('malformed');
  });
});
