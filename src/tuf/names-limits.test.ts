// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { parseGun } from './names.ts';

test('S23 a GUN of 255 characters is the longest', () => {
  expect(parseGun('a'.repeat(255)).length).toBe(255);
  refused(() => parseGun('a'.repeat(256)), { name: 'MetadataError', code: 'malformed' });
});
