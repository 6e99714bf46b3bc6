// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { cleanPath, decodedPath, gunOf, parseFileName } from './request-path.ts';

describe('the path of a request', () => {
  test('is decoded once, and only once', () => {
    expect(decodedPath('https://x/v2/a%2Fb:5000%252f/_trust/?q=%2F#f')).toBe('/v2/a/b:5000%2f/_trust/');
    expect(decodedPath('https://x')).toBe('/');
    expect(decodedPath('https://x/%C3%A9')).toBe('/é');
  });

  test('has no text where its escapes are broken', () => {
    expect(decodedPath('https://x/%')).toBeUndefined();
    expect(decodedPath('https://x/%ff')).toBeUndefined();
  });

  test.each([
    ['/v2//', '/v2/'],
    ['//evil.example.com/x', '/evil.example.com/x'],
    ['/a/../../b', '/b'],
    ['/a/./b', '/a/b'],
    ['/..', '/'],
  ])('%p is cleaned to %p', (path, clean) => {
    expect(cleanPath(path)).toBe(clean);
  });

  test('S12 path traversal in a GUN is refused with the code that was asked for', () => {
    for (const bad of ['..', 'a/../b', 'a//b', '/a', 'a/', '.', 'a\\b', 'a\0b', 'a*b', 'x'.repeat(256)]) {
      expect(() => gunOf(bad, 'INVALID_GUN')).toThrow('does not support actions');
      expect(() => gunOf(bad, 'METADATA_NOT_FOUND')).toThrow('does not exist');
    }
  });

  test('a GUN may have slashes, a port and other alphabets', () => {
    expect(gunOf('localhost:5000/a/é b', 'INVALID_GUN') as string).toBe('localhost:5000/a/é b');
  });
});

describe('the file name of a request', () => {
  const hash = 'ab'.repeat(32);

  test.each([
    ['root.json', { role: 'root' }],
    ['targets/releases.json', { role: 'targets/releases' }],
    ['3.root.json', { role: 'root', version: 3 }],
    ['01.targets/a/b.json', { role: 'targets/a/b', version: 1 }],
    ['0.root.json', { role: 'root', version: 0 }],
    [`snapshot.${hash}.json`, { role: 'snapshot', sha256: hash }],
    [`targets/a.${hash.toUpperCase()}.json`, { role: 'targets/a', sha256: hash }],
    [`root.${hash}${hash}.json`, { role: 'root', sha256: hash + hash }],
  ])('%p names a file', (name, wanted) => {
    expect(parseFileName(name) as object).toEqual(wanted);
  });

  test.each([
    'root',
    'foo.json',
    '-1.root.json',
    'x.root.json',
    'root.abc.json',
    `root.${'g'.repeat(64)}.json`,
    `root.${hash.slice(1)}.json`,
    'targets/.json',
    'targets/A.json',
    'targets/../root.json',
    'root/x.json',
    '.json',
    '1.2.root.json',
    '',
  ])('%p names none (S13)', (name) => {
    expect(parseFileName(name)).toBeUndefined();
  });
});
