// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { normalize } from 'node:path';
import fc from 'fast-check';
import { refused } from '../../test/support/refusals.ts';
import { parentRole, parseGun, parseKeyId, parseRoleName, parseVersion, type RoleName } from './names.ts';

const MALFORMED = { name: 'MetadataError', code: 'malformed' };

describe('S12 a GUN cannot leave its place in the trust directory', () => {
  for (const gun of [
    'docker.io/library/alpine',
    'localhost:5000/x',
    'a',
    'reg.example.test/A/b_c.d-e',
    'registry/ä',
    '...',
    'a/...b',
  ])
    test(`${gun} is a GUN`, () => {
      expect(parseGun(gun) as string).toBe(gun);
    });

  for (const gun of [
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/..',
    '../a',
    'a/../b',
    'a/./b',
    'a\\..\\b',
    'a\0b',
    'a\nb',
    'a*',
    'a?b',
    'a#b',
    ' a',
    'a ',
    '\ud800',
    'x'.repeat(256),
  ])
    test(`${JSON.stringify(gun.slice(0, 20))} is none`, () => {
      refused(() => parseGun(gun), MALFORMED);
    });

  test('whatever is accepted names itself and stays below its directory', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('.', '/', 'a', '\\', ':') })), (text) => {
        let gun: string;
        try {
          gun = parseGun(text);
        } catch (error) {
          expect(error).toMatchObject(MALFORMED);
          return;
        }
        expect(normalize(`/trust/tuf/${gun}`)).toBe(`/trust/tuf/${gun}`);
      }),
    );
  });
});

describe('S13 a role name can be used in a file name', () => {
  for (const role of ['root', 'targets', 'snapshot', 'timestamp', 'targets/releases', 'targets/a/b-c_d/9'])
    test(`${role} is a role`, () => {
      expect(parseRoleName(role) as string).toBe(role);
    });

  for (const role of [
    '',
    'Root',
    'mirrors',
    'root/a',
    'targets/',
    'targets//a',
    'targets/.',
    'targets/..',
    'targets/../root',
    'targets/a/..',
    'targets/A',
    'targets/a.b',
    'targets/a\n',
    'targets/*',
    '/targets/a',
    'targets\\a',
    `targets/${'a'.repeat(248)}`,
    '__proto__',
    'constructor',
  ])
    test(`${JSON.stringify(role.slice(0, 24))} is none`, () => {
      refused(() => parseRoleName(role), MALFORMED);
    });

  test('the longest name has 255 characters', () => {
    expect(parseRoleName(`targets/${'a'.repeat(247)}`).length).toBe(255);
  });

  test('S31 a name of any length is judged at once', () => {
    refused(() => parseRoleName(`targets/${'a/'.repeat(1_000_000)}!`), MALFORMED);
    refused(() => parseGun('a/'.repeat(1_000_000)), MALFORMED);
  });

  test('a parent is the name without its last component', () => {
    expect(parentRole('targets/releases/qa' as RoleName) as string).toBe('targets/releases');
    expect(parentRole('targets/a' as RoleName) as string).toBe('targets');
  });
});

describe('versions and key IDs', () => {
  test('S3 a version is a positive integer that a double holds exactly', () => {
    expect(parseVersion(2 ** 53 - 1) as number).toBe(2 ** 53 - 1);
    for (const value of [0, -1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, '1', null, undefined, 1n])
      refused(() => parseVersion(value), MALFORMED);
  });

  test('a key ID is 64 lower-case hex digits', () => {
    expect(parseKeyId('0a'.repeat(32)) as string).toHaveLength(64);
    for (const text of [
      '',
      '0A'.repeat(32),
      '0'.repeat(63),
      '0'.repeat(65),
      `${'0'.repeat(63)}g`,
      `${'0'.repeat(64)}\n`,
      `../${'0'.repeat(61)}`,
    ])
      refused(() => parseKeyId(text), MALFORMED);
  });
});
