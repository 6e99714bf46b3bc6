// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidReferenceError } from './errors.ts';
import {
  familiarName,
  familiarText,
  gun,
  isRepositoryPath,
  parseReference,
  referenceText,
  registryHost,
  withTag,
} from './reference.ts';

const SHA = `sha256:${'ab'.repeat(32)}`;

describe('references are normalised as Docker does', () => {
  test.each([
    ['alpine', 'docker.io/library/alpine:latest', 'alpine'],
    ['alpine:3.20', 'docker.io/library/alpine:3.20', 'alpine'],
    ['user/app', 'docker.io/user/app:latest', 'user/app'],
    ['library/alpine', 'docker.io/library/alpine:latest', 'alpine'],
    ['docker.io/alpine', 'docker.io/library/alpine:latest', 'alpine'],
    ['index.docker.io/user/app:1', 'docker.io/user/app:1', 'user/app'],
    ['localhost/x', 'localhost/x:latest', 'localhost/x'],
    ['localhost:5000/x', 'localhost:5000/x:latest', 'localhost:5000/x'],
    ['localhost:5000/a/b_c/d-e.f:T_1.2-3', 'localhost:5000/a/b_c/d-e.f:T_1.2-3', 'localhost:5000/a/b_c/d-e.f'],
    ['ghcr.io/a/b', 'ghcr.io/a/b:latest', 'ghcr.io/a/b'],
    ['[::1]:5000/x', '[::1]:5000/x:latest', '[::1]:5000/x'],
    ['Registry/app', 'Registry/app:latest', 'Registry/app'],
    [`alpine@${SHA}`, `docker.io/library/alpine@${SHA}`, 'alpine'],
    [`alpine:3@${SHA}`, `docker.io/library/alpine:3@${SHA}`, 'alpine'],
    ['docker.io/library/a/b', 'docker.io/library/a/b:latest', 'library/a/b'],
  ])('%s', (text, whole, familiar) => {
    const reference = parseReference(text);
    expect(referenceText(reference)).toBe(whole);
    expect(familiarName(reference)).toBe(familiar);
    expect(parseReference(whole)).toEqual({ ...reference, tagDefaulted: false });
  });

  test('the default tag is marked as one that nobody typed', () => {
    expect(parseReference('alpine').tagDefaulted).toBe(true);
    expect(parseReference('alpine:latest').tagDefaulted).toBe(false);
    expect(parseReference(`alpine@${SHA}`)).toMatchObject({ tagDefaulted: false, digest: SHA });
    expect(parseReference(`alpine@${SHA}`).tag).toBeUndefined();
  });

  test('names for trust data, for the wire and for people', () => {
    const reference = parseReference('alpine:3');
    expect(gun(reference)).toBe('docker.io/library/alpine');
    expect(registryHost(reference)).toBe('registry-1.docker.io');
    expect(registryHost(parseReference('localhost:5000/x'))).toBe('localhost:5000');
    expect(familiarText(withTag(reference, '4'))).toBe('alpine:4');
  });
});

describe('what is no reference is refused in Docker’s words', () => {
  test.each([
    ['', 'invalid reference format'],
    ['a b', 'invalid reference format'],
    [':tag', 'invalid reference format'],
    ['alpine:', 'invalid reference format'],
    ['alpine:-x', 'invalid reference format'],
    ['alpine@', 'invalid reference format'],
    ['/alpine', 'invalid reference format'],
    ['a//b', 'invalid reference format'],
    ['a/../b', 'invalid reference format'],
    ['localhost:port/x', 'invalid reference format'],
    ['a..b/c', 'invalid reference format'],
    ['alpine:latest/x', 'invalid reference format'],
    ['https://registry.example.com/x', 'invalid reference format'],
    ['Alpine', 'invalid reference format: repository name (library/Alpine) must be lowercase'],
    ['localhost:5000/App:1', 'invalid reference format: repository name (App) must be lowercase'],
    [`alpine:${'t'.repeat(129)}`, 'invalid reference format'],
    ['alpine@sha256:abcd', 'invalid reference format'],
    [`alpine@sha256:${'ab'.repeat(20)}`, 'invalid checksum digest length'],
    [`alpine@md5:${'ab'.repeat(16)}`, 'unsupported digest algorithm'],
    [`alpine@sha256:${'AB'.repeat(32)}`, 'invalid checksum digest format'],
    [`ghcr.io/${'a'.repeat(256)}`, 'repository name must not be more than 255 characters'],
    ['ab'.repeat(32), `invalid repository name (${'ab'.repeat(32)}), cannot specify 64-byte hexadecimal strings`],
  ])('%j', (text, message) => {
    expect(() => parseReference(text)).toThrow(new InvalidReferenceError(message, text));
  });

  test('S12 a repository name is never a path out of its directory', () => {
    for (const path of ['..', 'a/..', '../a', '/a', 'a/', '.', 'a\\b', 'a/./b', 'a%2f', '_layers', '']) {
      expect(isRepositoryPath(path)).toBe(false);
    }
  });

  test('S31 a hostile name costs no more than its length', () => {
    for (const unit of ['a-', 'a__', 'a.', '-', 'a', '/a', ':', '@']) {
      const text = `${unit.repeat(200_000)}!`;
      expect(() => parseReference(text)).toThrow(InvalidReferenceError);
      expect(() => parseReference(text.slice(0, 4000))).toThrow();
    }
  });

  test('S22 whatever the text, the answer is a reference or InvalidReferenceError, and what parses parses again', () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      '/',
      ':',
      '@',
      '.',
      '-',
      '_',
      'localhost',
      'docker.io',
      SHA,
      '5000',
      '[::1]',
      ' ',
      '\0',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          const reference = parseReference(pieces.join(''));
          expect(parseReference(referenceText(reference))).toEqual({ ...reference, tagDefaulted: false });
          expect(isRepositoryPath(reference.path)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidReferenceError);
        }
      }),
    );
  });
});
