// SPDX-License-Identifier: Apache-2.0
import { Database } from 'bun:sqlite';
import { describe, expect, test } from 'bun:test';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { modeOf, scratchDirectories } from '../../test/support/scratch.ts';
import { TrustDirectoryError } from '../client/index.ts';
import { parseDigest } from '../registry/index.ts';
import { parseGun, TARGETS, type Version } from '../tuf/index.ts';
import { PolicyRecord } from './record.ts';

const fresh = scratchDirectories();
const GUN = parseGun('r.example.com/app');
const OTHER = parseGun('r.example.com/other');
const START = new Date('2026-12-01T00:00:00Z');
const after = (minutes: number) => new Date(START.getTime() + minutes * 60_000);
const digest = (letter: string) => parseDigest(`sha256:${letter.repeat(64)}`);
const signed = (tag: string, letter: string) => ({
  tag,
  digest: digest(letter),
  size: 7,
  signers: [{ role: TARGETS, keys: ['k1'] }],
});

const open = () => new PolicyRecord(join(fresh(), 'a', 'policy.db'));

describe('a record', () => {
  test('knows a digest with its tag, size and signers, and when it was seen last', () => {
    const record = open();
    record.seen(GUN, 'one', () => [signed('1', 'a'), signed('2', 'b')], START);
    expect(record.lastSeen(GUN, digest('a'))).toEqual([{ ...signed('1', 'a'), lastSeen: START }]);
    expect(record.lastSeen(OTHER, digest('a'))).toEqual([]);
    record.close();
  });

  test('what stays signed is seen anew, what is signed no more keeps its time', () => {
    const record = open();
    record.seen(GUN, 'one', () => [signed('1', 'a'), signed('2', 'b')], START);
    record.seen(
      GUN,
      'one',
      () => {
        throw new Error('nothing changed');
      },
      after(5),
    );
    record.seen(GUN, 'two', () => [signed('1', 'c'), signed('2', 'b')], after(9));
    record.seen(GUN, 'two', () => [], after(20));
    const times = (letter: string) => record.lastSeen(GUN, digest(letter)).map(({ lastSeen }) => lastSeen);
    expect([times('a'), times('b'), times('c')]).toEqual([[after(5)], [after(20)], [after(20)]]);
    record.close();
  });

  test('anchors are of one repository and one set of pins', () => {
    const record = open();
    const root = (version: number) => ({ version: version as Version, sha256: digest('a').slice(7) });
    record.anchor(GUN, 'x', root(1));
    record.anchor(GUN, 'x', root(2));
    expect(record.anchored(GUN, 'x')).toEqual(root(2));
    expect([record.anchored(GUN, 'y'), record.anchored(OTHER, 'x')]).toEqual([undefined, undefined]);
    record.close();
  });
});

describe('the file', () => {
  test('S7 is private, and outlives the process', () => {
    const path = join(fresh(), 'policy.db');
    const first = new PolicyRecord(path);
    first.seen(GUN, 'one', () => [signed('1', 'a')], START);
    expect(modeOf(path)).toBe('0600');
    first.close();
    const second = new PolicyRecord(path);
    expect(second.lastSeen(GUN, digest('a'))).toHaveLength(1);
    second.close();
  });

  test('two processes may share it', () => {
    const path = join(fresh(), 'policy.db');
    const [one, two] = [new PolicyRecord(path), new PolicyRecord(path)];
    one.seen(GUN, 'one', () => [signed('1', 'a')], START);
    two.seen(GUN, 'two', () => [signed('1', 'b')], after(1));
    expect(one.lastSeen(GUN, digest('a'))).toMatchObject([{ lastSeen: START }]);
    one.close();
    two.close();
  });

  test('one that is damaged, or that others may not let us write, is a typed error', () => {
    const path = join(fresh(), 'policy.db');
    writeFileSync(path, 'x'.repeat(5000));
    expect(() => new PolicyRecord(path)).toThrow(TrustDirectoryError);
    chmodSync(path, 0o600);
    expect(statSync(path).size).toBe(5000);
  });

  test('a row that is damaged is a typed error', () => {
    const path = join(fresh(), 'policy.db');
    const record = new PolicyRecord(path);
    record.seen(GUN, 'one', () => [signed('1', 'a')], START);
    new Database(path).run(`update signed set signers = '[['`);
    expect(() => record.lastSeen(GUN, digest('a'))).toThrow(TrustDirectoryError);
    record.close();
  });
});
