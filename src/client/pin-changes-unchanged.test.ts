// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import type { KeyId } from '../tuf/index.ts';
import { mergePins } from './pin-changes.ts';
import { NO_PINS, type Pins } from './pin-file.ts';

const A = 'a'.repeat(64) as KeyId;

test('what was never held back is no weakening: first use, and a first authority for a name', () => {
  const ca = (...entries: readonly [string, string][]): Pins => ({ ...NO_PINS, ca: new Map(entries) });

  expect(mergePins(NO_PINS, { ...NO_PINS, tofu: true }).weaker).toEqual([]);
  expect(mergePins({ ...NO_PINS, tofu: true }, { ...NO_PINS, tofu: true }).weaker).toEqual([]);
  expect(mergePins(NO_PINS, ca(['a/', 'one'])).weaker).toEqual([]);
  expect(mergePins(NO_PINS, NO_PINS).pins).toEqual(NO_PINS);
});

test('an authority that a list put out of force before is not told of again', () => {
  const current = { ...NO_PINS, keys: new Map([['a/*', [A]]]), ca: new Map([['a/b/', 'one']]) };

  expect(mergePins(current, { ...NO_PINS, keys: new Map([['c/x', [A]]]) }).weaker).toEqual([]);
});
