// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { makeRootKey } from '../../test/support/test-keys.ts';
import { PrivateKey, rootCertificate } from '../signing/index.ts';
import { canonicalKeyId, type KeyId, keyId, parseGun } from '../tuf/index.ts';
import { mergePins } from './pin-changes.ts';
import { NO_PINS, type Pins } from './pin-file.ts';
import { choosePin } from './pinning.ts';

const A = 'a'.repeat(64) as KeyId;
const B = 'b'.repeat(64) as KeyId;
const NOW = new Date('2026-12-01T12:00:00Z');
const keys = (entries: Readonly<Record<string, readonly KeyId[]>>): Pins => ({
  ...NO_PINS,
  keys: new Map(Object.entries(entries)),
});
const certs = (entries: Readonly<Record<string, readonly KeyId[]>>): Pins => ({
  ...NO_PINS,
  certs: new Map(Object.entries(entries)),
});
const ca = (entries: Readonly<Record<string, string>>): Pins => ({ ...NO_PINS, ca: new Map(Object.entries(entries)) });

describe('pins laid over others', () => {
  test('a name that nothing covers is pinned without a word', () => {
    const { pins, weaker, names } = mergePins(keys({ 'a/x': [A] }), keys({ 'a/y': [B] }));
    expect(weaker).toEqual([]);
    expect(names).toEqual(['a/y']);
    expect([...pins.keys.keys()]).toEqual(['a/x', 'a/y']);
  });

  test('the same pins again, or fewer keys, weaken nothing', () => {
    expect(mergePins(keys({ 'a/x': [A, B] }), keys({ 'a/x': [A] })).weaker).toEqual([]);
    expect(mergePins(keys({ 'a/*': [A, B] }), keys({ 'a/x': [B] })).weaker).toEqual([]);
  });

  test('another key for a pinned name is told', () => {
    const { weaker } = mergePins(keys({ 'a/x': [A] }), keys({ 'a/x': [B] }));
    expect(weaker).toEqual([`a/x would also trust ${B}`]);
  });

  test('a name below a pinned prefix, with another key, is told', () => {
    expect(mergePins(keys({ 'a/*': [A] }), keys({ 'a/x': [B] })).weaker).toHaveLength(1);
    expect(mergePins(certs({ 'a/*': [A] }), keys({ 'a/x': [B] })).weaker).toHaveLength(1);
  });

  test('a key pin that would take the place of an authority is told, and so is another authority', () => {
    expect(mergePins(ca({ 'a/': 'one' }), keys({ 'a/x': [B] })).weaker).toHaveLength(1);
    expect(mergePins(ca({ 'a/': 'one' }), ca({ 'a/x': 'two' })).weaker).toEqual(['a/x would trust another authority']);
    expect(mergePins(ca({ 'a/': 'one' }), ca({ 'a/x': 'one' })).weaker).toEqual([]);
  });

  test('a broad list that would put a narrower authority out of force is told', () => {
    expect(mergePins(ca({ 'a/b/': 'one' }), keys({ 'a/*': [B] })).weaker).toEqual([
      'a/* would put the authority pinned for a/b/ out of force',
    ]);
    expect(mergePins(ca({ 'a/b/': 'one' }), keys({ 'c/*': [B] })).weaker).toEqual([]);
  });

  test('trust on first use comes back only with a word, and is left alone where nothing is said', () => {
    expect(mergePins({ ...NO_PINS, tofu: false }, { ...NO_PINS, tofu: true }).weaker).toHaveLength(1);
    const { pins, weaker } = mergePins({ ...NO_PINS, tofu: false }, keys({ 'a/x': [A] }));
    expect(weaker).toEqual([]);
    expect(pins.tofu).toBe(false);
    expect('tofu' in mergePins(NO_PINS, keys({ 'a/x': [A] })).pins).toBe('tofu' in NO_PINS);
  });
});

describe('pins by key', () => {
  test('a certificate that is renewed around the same key still fits; by certificate it does not', async () => {
    const gun = parseGun('registry.example.com/acme/app');
    const key = PrivateKey.generate();
    const [first, renewed] = [await rootCertificate(key, gun, NOW), await rootCertificate(key, gun, NOW)];
    const other = await makeRootKey(gun, NOW);
    const byKey = choosePin({ ...keys({ [gun]: [key.keyId] }), trustOnFirstUse: false }, gun, NOW);
    expect([first, renewed, other.listed].map((listed) => byKey.admits(listed))).toEqual([true, true, false]);
    const byCertificate = choosePin({ ...certs({ [gun]: [keyId(first)] }), trustOnFirstUse: false }, gun, NOW);
    expect([first, renewed].map((listed) => byCertificate.admits(listed))).toEqual([true, false]);
  });

  test('of two names the more specific one holds, keys and certificates alike, and an empty list trusts nothing', async () => {
    const gun = parseGun('a/b/c');
    const key = await makeRootKey(gun, NOW);
    const own = canonicalKeyId(key.listed);
    const admits = (pins: Pins) => choosePin({ ...pins, trustOnFirstUse: true }, gun, NOW).admits(key.listed);
    expect(admits({ ...keys({ 'a/*': [own] }), certs: new Map([['a/b/*', [A]]]) })).toBe(false);
    expect(admits({ ...keys({ 'a/b/*': [own] }), certs: new Map([['a/*', [A]]]) })).toBe(true);
    expect(admits(keys({ 'a/*': [own], 'a/b/c': [] }))).toBe(false);
  });
});
