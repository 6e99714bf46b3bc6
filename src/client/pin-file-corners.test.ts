// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { recordedPem } from '../../test/support/test-keys.ts';
import type { KeyId } from '../tuf/index.ts';
import { checkPinName, decodePins, encodePins, loadPinFile, NO_PINS, trustPinning } from './pin-file.ts';

const scratch = scratchDirectories();
const MALFORMED = { name: 'MetadataError', code: 'malformed' };
const A = 'a'.repeat(64) as KeyId;
const bytes = (text: string) => new TextEncoder().encode(text);

describe('pins', () => {
  test('S12 are for names of repositories and prefixes of them, and for nothing else', () => {
    for (const name of ['example.com/app', 'example.com/', 'example.com/a*', 'example.com/*', '*', ''])
      expect(checkPinName(name)).toBe(name);
    for (const name of ['example.com/app?', 'example.com/..', '../x', 'a//b', 'a/*/b', 'a\\', '/', 'a/./'])
      refused(() => checkPinName(name), MALFORMED);
  });

  test('of authorities are text: the certificates themselves, or the name of a file', () => {
    const pem = recordedPem('authority');
    const pinned = trustPinning(scratch(), { ...NO_PINS, ca: new Map([['a/', pem]]) });

    expect(pinned.ca?.get('a/')).toBe(pem);
    for (const ca of ['5', '""', 'null', '["x"]', '{}'])
      refused(() => decodePins(bytes(`{"ca":{"a/":${ca}}}`)), MALFORMED);
    for (const ids of ['5', '{}', '"x"', '[5]', '[null]', '["x"]'])
      refused(() => decodePins(bytes(`{"keys":{"a/":${ids}}}`)), MALFORMED);
  });

  test('S23 of more than 4 MiB are refused, unread', () => {
    const padded = (length: number) => bytes('{}'.padEnd(length));

    expect(decodePins(padded(4 * 1024 * 1024))).toEqual(NO_PINS);
    refused(() => decodePins(padded(4 * 1024 * 1024 + 1)), MALFORMED);
  });

  test('are written in the order of their names, without what says nothing', () => {
    const text = (pins: Parameters<typeof encodePins>[0]) => new TextDecoder().decode(encodePins(pins));
    const names = new Map([
      ['b', [A]],
      ['a', [A]],
      ['c', [A]],
    ]);

    expect(text(NO_PINS)).toBe('{}\n');
    expect(Object.keys(JSON.parse(text({ ...NO_PINS, certs: names })).certs)).toEqual(['a', 'b', 'c']);
    expect(JSON.parse(text({ ...NO_PINS, tofu: true, keys: names }))).toEqual({
      tofu: true,
      keys: { a: [A], b: [A], c: [A] },
    });
  });

  test('S8 that are named and are not there are an error, never none', () => {
    refused(() => loadPinFile(`${scratch()}/pins.json`), { name: 'TrustDirectoryError', code: 'unreadable' });
  });
});
