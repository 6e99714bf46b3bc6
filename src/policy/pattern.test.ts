// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseReference } from '../registry/index.ts';
import { canMeet, canonicalName, compareSpecificity, matches, PatternError, parsePattern } from './pattern.ts';

function covers(pattern: string, reference: string): boolean {
  const { domain, path, tag } = parseReference(reference);
  return matches(parsePattern(pattern), canonicalName({ domain, path, tag }));
}

describe('image patterns', () => {
  test.each([
    ['docker.io/acme/app', 'acme/app:1', true],
    ['docker.io/acme/app', 'acme/app2:1', false],
    ['docker.io/acme/app', 'evil/acme/app:1', false],
    ['docker.io/acme/*', 'acme/app', true],
    ['docker.io/acme/*', 'acme/app/sub', false],
    ['docker.io/acme/**', 'acme/app/sub', true],
    ['docker.io/acme/**', 'acme', false],
    ['docker.io/alpine', 'alpine', true],
    ['docker.io/*', 'alpine', true],
    ['docker.io/*', 'acme/app', false],
    ['docker.io/library/*', 'alpine', true],
    ['**', 'localhost:5000/a/b/c', true],
    ['localhost:5000/**', 'localhost:5000/a', true],
    ['localhost:5000/**', 'localhost:5001/a', false],
    ['*.example.com/**', 'a.b.example.com/x', true],
    ['*.example.com/**', 'example.com.evil.org/x', false],
    ['r.example.com/app:v*', 'r.example.com/app:v1', true],
    ['r.example.com/app:v*', 'r.example.com/app:1v', false],
    ['r.example.com/app:v*', `r.example.com/app@sha256:${'a'.repeat(64)}`, false],
    ['r.example.com/app:*', `r.example.com/app@sha256:${'a'.repeat(64)}`, true],
    ['**:latest', 'r.example.com/app', true],
    ['r.example.com/a*z', 'r.example.com/az', true],
    ['r.example.com/aa*a', 'r.example.com/aa', false],
  ])('%s and %s: %p', (pattern, reference, expected) => {
    expect(covers(pattern, reference)).toBe(expected);
  });

  test('S30 no other spelling of a registry gets around a rule', () => {
    for (const name of ['R.EXAMPLE.COM/app', 'r.example.com:443/app', 'r.example.com:0443/app'])
      expect([name, covers('r.example.com/app', name)]).toEqual([name, true]);
    for (const name of ['registry-1.docker.io/library/alpine', 'index.docker.io/alpine', 'DOCKER.IO/library/alpine'])
      expect([name, covers('docker.io/library/alpine', name)]).toEqual([name, true]);
    expect(covers('R.example.com:443/app', 'r.example.com/app')).toBe(true);
    for (const name of ['[0:0:0:0:0:0:0:1]:5000/app', '[::0001]:5000/app', '[0::1]:05000/app'])
      expect([name, covers('[::1]:5000/app', name), covers('[0::1]:5000/**', name)]).toEqual([name, true, true]);
  });

  test.each([
    ['acme/app', 'write docker.io/acme/app'],
    ['docker.io', 'write docker.io/** for a whole registry'],
    ['docker.io/**/app', '** can only be the last part'],
    ['docker.io/a*b*c', 'more than one *'],
    ['docker.io/[a-z]+/(x)', 'bad character'],
    ['docker.io//app', 'empty part'],
    ['docker.io/app:', 'bad tag'],
    ['docker.io/app:a b', 'bad tag'],
    [`docker.io/${'a'.repeat(600)}`, 'more than 512'],
  ])('%p is refused', (text, message) => {
    expect(() => parsePattern(text)).toThrow(PatternError);
    expect(() => parsePattern(text)).toThrow(message);
  });

  test('the most specific wins: from the left, the first part that differs decides', () => {
    const inOrder = [
      'docker.io/acme/app:1.0',
      'docker.io/acme/app:1.*',
      'docker.io/acme/app',
      'docker.io/acme/ap*',
      'docker.io/acme/*',
      'docker.io/acme/**',
      'docker.io/ac*/app',
      'docker.io/*/app',
      'docker.io/**',
      '*.io/acme/app',
      '**:latest',
      '**',
    ];
    const sorted = inOrder.toReversed().map(parsePattern).sort(compareSpecificity);
    expect(sorted.map(({ text }) => text)).toEqual(inOrder);
  });

  test('S31 a hostile name costs no more than its length', () => {
    const pattern = parsePattern(`r.example.com/${'a'.repeat(200)}*${'a'.repeat(200)}`);
    expect(matches(pattern, { domain: 'r.example.com', path: 'a'.repeat(100_000), tag: undefined })).toBe(true);
    expect(matches(pattern, { domain: 'r.example.com', path: `${'a'.repeat(100_000)}b`, tag: undefined })).toBe(false);
  });
});

const part = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '*b', 'a*b');
const pattern = fc
  .tuple(
    fc.constantFrom('r.io', '*.io', 's.io'),
    fc.array(part, { minLength: 1, maxLength: 3 }),
    fc.boolean(),
    fc.constantFrom('', ':a', ':a*', ':*b'),
  )
  .map(([domain, parts, isOpen, tag]) =>
    parsePattern(`${[domain, ...parts, ...(isOpen ? ['**'] : [])].join('/')}${tag}`),
  );
const name = fc.record({
  domain: fc.constantFrom('r.io', 's.io'),
  path: fc
    .array(fc.constantFrom('a', 'b', 'ab', 'aab', 'abb', 'aabb'), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join('/')),
  tag: fc.constantFrom('a', 'ab', 'b', undefined),
});

describe('in general', () => {
  test('two patterns that cover one image can meet, so no tie is overlooked', () => {
    fc.assert(
      fc.property(pattern, pattern, name, (a, b, image) => {
        if (matches(a, image) && matches(b, image)) expect(canMeet(a, b)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test('specificity is an order: whichever way it is asked, and through a third', () => {
    fc.assert(
      fc.property(pattern, pattern, pattern, (a, b, c) => {
        expect(Math.sign(compareSpecificity(a, b))).toBe(-Math.sign(compareSpecificity(b, a)) + 0);
        if (compareSpecificity(a, b) < 0 && compareSpecificity(b, c) < 0)
          expect(compareSpecificity(a, c)).toBeLessThan(0);
      }),
    );
  });
});
