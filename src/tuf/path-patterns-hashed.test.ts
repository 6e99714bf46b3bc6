// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { encodeUtf8 } from '../encoding/index.ts';
import { sha256Hex } from './crypto.ts';
import type { RoleName } from './names.ts';
import { delegatesPath } from './path-patterns.ts';

test('a role with several prefixes of hashes may sign what any of them fits', () => {
  const hashed = sha256Hex(encodeUtf8('a/file'));
  const other = hashed.startsWith('0') ? 'f' : '0';
  const role = (...hashPrefixes: readonly string[]) => ({
    name: 'a' as RoleName,
    keyIds: [],
    threshold: 1,
    paths: [],
    hashPrefixes,
  });

  expect(delegatesPath(role(other, hashed.slice(0, 2)), 'a/file')).toBe(true);
  expect(delegatesPath(role(hashed.slice(0, 2), other), 'a/file')).toBe(true);
  expect(delegatesPath(role(other), 'a/file')).toBe(false);
  expect(delegatesPath(role(), 'a/file')).toBe(false);
});
