// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { modeOf, scratchDirectories } from '../../test/support/scratch.ts';
import { type KeyId, MetadataError, parseGun } from '../tuf/index.ts';
import { TrustDirectoryError } from './errors.ts';
import { decodePins, encodePins, loadPins, NO_PINS, pinFilePath, storePins, trustPinning } from './pin-file.ts';
import { choosePin } from './pinning.ts';

const scratch = scratchDirectories();
const A = 'a'.repeat(64) as KeyId;
const B = 'b'.repeat(64) as KeyId;
const NOW = new Date('2026-12-01T12:00:00Z');
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

function written(text: string, mode = 0o600): string {
  const directory = scratch();
  const path = pinFilePath(directory);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return directory;
}

describe('the pins file', () => {
  test('no file means no pin, and trust on first use', () => {
    const directory = scratch();
    expect(loadPins(directory)).toEqual(NO_PINS);
    expect(trustPinning(directory, NO_PINS).trustOnFirstUse).toBe(true);
  });

  test('reads back as it was stored, readable by its owner alone', () => {
    const directory = scratch();
    const pins = {
      tofu: false,
      certs: new Map([['docker.io/acme/*', [A]]]),
      keys: new Map([['docker.io/acme/App', [A, B]]]),
      ca: new Map([['registry.example.com/', '/etc/ca.pem']]),
    };
    storePins(directory, pins);
    expect(loadPins(directory)).toEqual(pins);
    expect(modeOf(pinFilePath(directory))).toBe('0600');
  });

  test('S7 one that others may write is refused with the command that mends it', () => {
    const directory = written('{}', 0o622);
    expect(() => loadPins(directory)).toThrow(`chmod 600 ${pinFilePath(directory)}`);
  });

  test('a damaged file is an error, never "no pins"', () => {
    for (const text of ['', '{', '[]', '{"tofu":"no"}', '{"toffu":false}', '{"keys":[]}', '{"keys":{"a/b":"x"}}']) {
      const directory = written(text);
      expect(() => loadPins(directory)).toThrow(TrustDirectoryError);
    }
  });

  test('S11 a field that comes twice is refused', () => {
    const directory = written('{"tofu":false,"tofu":true}');
    expect(() => loadPins(directory)).toThrow(TrustDirectoryError);
  });

  test('names that no GUN can have, and IDs that are none, are refused', () => {
    for (const pins of [{ keys: { 'a//b': [A] } }, { certs: { '../x': [A] } }, { keys: { 'a/*/b': [A] } }])
      expect(() => decodePins(bytesOf(pins))).toThrow(MetadataError);
    expect(() => decodePins(bytesOf({ keys: { 'a/b': [A.toUpperCase()] } }))).toThrow(MetadataError);
  });

  test('any bytes at all are read or refused with a typed error', () => {
    const read = (bytes: Uint8Array) => {
      try {
        decodePins(bytes);
      } catch (error) {
        if (!(error instanceof MetadataError)) throw error;
      }
      return true;
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), read));
    const entries = fc.dictionary(fc.string(), fc.oneof(fc.array(fc.string()), fc.string(), fc.constant([A])));
    const document = fc.record(
      { tofu: fc.anything(), certs: entries, keys: entries, ca: entries },
      { requiredKeys: [] },
    );
    fc.assert(fc.property(document, (value) => read(bytesOf(value))));
  });

  test('what is written is what is read', () => {
    const name = fc.constantFrom('a/b', 'a/b*', 'a/*', '*', 'docker.io/library/alpine');
    const ids = fc.dictionary(name, fc.array(fc.constantFrom(A, B)));
    const pins = fc.record({ tofu: fc.boolean(), certs: ids, keys: ids });
    fc.assert(
      fc.property(pins, ({ tofu, certs, keys }) => {
        const made = { ...NO_PINS, tofu, certs: new Map(Object.entries(certs)), keys: new Map(Object.entries(keys)) };
        expect(decodePins(encodePins(made))).toEqual(made);
      }),
    );
  });

  test('a CA file is looked up beside the pins, and one that is gone is an error', () => {
    const directory = written('{"ca":{"a/":"ca.pem"}}');
    expect(() => trustPinning(directory, loadPins(directory))).toThrow(TrustDirectoryError);
    writeFileSync(join(dirname(pinFilePath(directory)), 'ca.pem'), 'PEM');
    expect(trustPinning(directory, loadPins(directory)).ca).toEqual(new Map([['a/', 'PEM']]));
  });

  test('tofu: false leaves a GUN that differs in case from its pin untrusted', () => {
    const directory = written(JSON.stringify({ tofu: false, keys: { 'docker.io/acme/App': [A] } }));
    const pinning = trustPinning(directory, loadPins(directory));
    expect(choosePin(pinning, parseGun('docker.io/acme/App'), NOW).kind).toBe('certs');
    expect(() => choosePin(pinning, parseGun('docker.io/acme/app'), NOW)).toThrow('no pin covers docker.io/acme/app');
  });
});
