// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { refused } from '../../../../test/support/refusals.ts';
import { parseDelegatedName } from './names.ts';

test('S13 the name of a delegated role fits into the name of a file, and is text', () => {
  const malformed = { name: 'MetadataError', code: 'malformed' };

  expect(parseDelegatedName('a'.repeat(220)).length).toBe(220);
  expect(parseDelegatedName('../ä') as string).toBe('../ä');
  for (const name of [
    '',
    'a'.repeat(221),
    '/'.repeat(74),
    '\ud800',
    'x\udfff',
    'root',
    'targets',
    'snapshot',
    'timestamp',
  ])
    refused(() => parseDelegatedName(name), malformed);
});
