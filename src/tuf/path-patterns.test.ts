// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { encodeUtf8 } from '../encoding/index.ts';
import { sha256Hex } from './crypto.ts';
import type { Delegation, Delegations } from './metadata.ts';
import type { KeyId, RoleName } from './names.ts';
import { delegatesPath, delegationNamed, delegationsOf, matchesPattern } from './path-patterns.ts';

const role = (change: Partial<Delegation>): Delegation => ({
  name: 'a' as RoleName,
  keyIds: [],
  threshold: 1,
  paths: [],
  ...change,
});

describe('a pattern', () => {
  for (const [pattern, path, expected] of [
    ['targets/*.tgz', 'targets/foo.tgz', true],
    ['targets/*.tgz', 'targets/foo.txt', false],
    ['foo-?.tgz', 'foo-2.tgz', true],
    ['foo-?.tgz', 'foo-alpha.tgz', false],
    ['foo-?.tgz', 'foo-💥.tgz', true],
    ['*.tgz', 'foo.tgz', true],
    ['*.tgz', 'targets/foo.tgz', false],
    ['*', '', true],
    ['*', 'a/b', false],
    ['*/*', 'a/b', true],
    ['*/*', 'a/b/c', false],
    ['?', '/', false],
    ['', '', true],
    ['', 'a', false],
    ['**', 'abc', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-b-b', false],
    ['a*/c', 'ab/c', true],
    ['[ab]', 'a', false],
    ['[ab]', '[ab]', true],
    ['README.md', 'README.MD', false],
  ] as const)
    test(`${JSON.stringify(pattern)} ${expected ? 'stands for' : 'does not stand for'} ${JSON.stringify(path)}`, () => {
      expect(matchesPattern(pattern, path)).toBe(expected);
    });

  test('is what a regular expression of the same meaning says', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '?', '.'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (pattern, path) => {
        const source = [...pattern].map((char) => ({ '*': '[^/]*', '?': '[^/]', '.': '\\.' })[char] ?? char).join('');
        expect(matchesPattern(pattern, path)).toBe(new RegExp(`^${source}$`).test(path));
      }),
      { numRuns: 2000 },
    );
  });

  test('S31 matching is linear in the pattern for any path: one made to be slow is judged at once', () => {
    expect(matchesPattern('a*'.repeat(2000), `${'a'.repeat(4000)}b/`)).toBe(false);
    expect(matchesPattern(`${'*a'.repeat(2000)}b`, 'a'.repeat(4000))).toBe(false);
  });
});

describe('who may sign a path', () => {
  test('by prefix, by pattern, by hash: any one of them', () => {
    const hashed = sha256Hex(encodeUtf8('x'));

    expect(delegatesPath(role({ paths: ['x'] }), 'xy')).toBe(true);
    expect(delegatesPath(role({ patterns: ['y', 'x*'] }), 'xy')).toBe(true);
    expect(delegatesPath(role({ hashPrefixes: [hashed.slice(0, 3)] }), 'x')).toBe(true);
    expect(delegatesPath(role({ hashPrefixes: [hashed] }), 'x')).toBe(true);
    expect(delegatesPath(role({ hashPrefixes: [`${hashed}0`] }), 'x')).toBe(false);
    expect(delegatesPath(role({}), 'x')).toBe(false);
  });

  test('one bin of many, by the first bits of the hash', () => {
    const keyIds = ['k' as KeyId];
    for (const bits of [1, 3, 4, 5, 8, 16, 31, 32]) {
      const delegations: Delegations = {
        keys: new Map(),
        roles: [],
        succinct: { keyIds, threshold: 1, bits, namePrefix: 'bin' },
      };
      const binary = [...sha256Hex(encodeUtf8('x'))]
        .map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0'))
        .join('');
      const number = Number.parseInt(binary.slice(0, bits), 2);
      const expected = `bin-${number.toString(16).padStart(Math.ceil(bits / 4), '0')}` as RoleName;
      const [bin] = delegationsOf(delegations, 'x');

      expect(bin).toEqual({ name: expected, keyIds, threshold: 1, paths: [], terminating: true });
      expect(delegationNamed(delegations, expected)).toEqual(bin);
    }
  });

  test('no bin goes by another name', () => {
    const succinct = { keyIds: [], threshold: 1, bits: 5, namePrefix: 'bin' };
    const named = (text: string) => delegationNamed({ keys: new Map(), roles: [], succinct }, text as RoleName)?.name;

    expect(named('bin-1f') as string).toBe('bin-1f');
    for (const other of ['bin-20', 'bin-1F', 'bin-1', 'bin-01f', 'bin--1', 'bin-1fz', 'bin-', 'other-1f', 'bin-0x1f'])
      expect(named(other)).toBeUndefined();
  });
});
