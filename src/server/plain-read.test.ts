// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { plainRead } from './plain-read.ts';

const get = (path: string, method = 'GET') => plainRead(new Request(`https://x:4443/${path}`, { method }));

describe('plainRead', () => {
  test('reads GUN and file off the path, the first time and every time', () => {
    const path = 'v2/localhost:5000/a/b/_trust/tuf/targets/releases.json';
    for (let time = 0; time < 3; time++) {
      expect(get(path)).toEqual({ gun: 'localhost:5000/a/b', file: 'targets/releases.json' });
    }
  });

  test.each([
    'v2/a/../b/_trust/tuf/root.json',
    'v2/a/b/_trust/tuf/.json',
    'v2/a//b/_trust/tuf/root.json',
    'v2/a/_trust/tuf/root.json?x',
    'v2/a/_trust/tuf/root.json#x',
    'v2/a%2Fb/_trust/tuf/root.json',
    'v2/a/_trust/tuf/timestamp.key',
    'v2//_trust/tuf/root.json',
    `v2/${'a'.repeat(2048)}/_trust/tuf/root.json`,
  ])('leaves /%s to the table of routes', (path) => {
    // a path that is taken apart by URL already is no path of a request
    expect(plainRead({ method: 'GET', url: `https://x/${path}` } as Request)).toBeUndefined();
  });

  test('a method that is no read is none, also of a path that was read before', () => {
    expect(get('v2/a/_trust/tuf/root.json')).toBeDefined();
    for (const method of ['POST', 'DELETE', 'HEAD']) expect(get('v2/a/_trust/tuf/root.json', method)).toBeUndefined();
  });

  test('however many are asked for, each is what its own path says', () => {
    for (let round = 0; round < 2; round++) {
      for (let number = 0; number < 5000; number++) {
        expect(get(`v2/gun${number}/_trust/tuf/root.json`)?.gun).toBe(`gun${number}`);
      }
    }
  });
});
