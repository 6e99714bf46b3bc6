// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { contextOf, fileOf, toRoot, toSnapshot, toTargets, toTimestamp } from '../../test/support/stages.ts';
import { ROOT, SNAPSHOT, TARGETS, TIMESTAMP } from './names.ts';
import type { TrustedRoot, TrustedSnapshot, TrustedTargets, TrustedTimestamp } from './trusted.ts';
import { TrustedRoot as RootStage, TrustedTargets as TargetsStage } from './trusted.ts';

/** Never called: that it compiles is the test, and `tsc` fails if a line below an expectation ever becomes legal. */
export function wrongOrders(
  root: TrustedRoot,
  timestamp: TrustedTimestamp,
  snapshot: TrustedSnapshot,
  file: Uint8Array,
) {
  // @ts-expect-error a snapshot needs a timestamp
  root.updateSnapshot(file);
  // @ts-expect-error targets need a snapshot
  root.updateTargets(file);
  // @ts-expect-error targets need a snapshot
  timestamp.updateTargets(file);
  // @ts-expect-error one update has one timestamp
  timestamp.updateTimestamp(file);
  // @ts-expect-error a root is replaced before a timestamp is trusted under it
  timestamp.updateRoot(file);
  // @ts-expect-error a delegation needs its targets
  snapshot.delegate('targets', 'targets/a', file);
  // @ts-expect-error a root is made by load, bootstrap and updateRoot alone
  new RootStage(contextOf(), file, root.envelope, root.signed);
  // @ts-expect-error only what was verified is a stage's content
  const unverified: TrustedRoot['signed'] = root.envelope.signed;
  // @ts-expect-error stages do not change
  root.file = file;
  return unverified;
}

describe('stages', () => {
  test('are immutable: a refused file leaves the stage as it was, and it can go on', async () => {
    const repository = await RepositorySimulator.create();
    const root = toRoot(repository);
    const before = root.signed;

    expect(() => root.updateTimestamp(fileOf(repository, SNAPSHOT))).toThrow();
    expect(() => root.updateRoot(fileOf(repository, TARGETS))).toThrow();
    expect(root.signed).toBe(before);
    root.updateTimestamp(fileOf(repository, TIMESTAMP));
  });

  test('refuse a file of another kind', async () => {
    const repository = await RepositorySimulator.create();
    const malformed = (role: string) => expect.objectContaining({ code: 'malformed', role });

    expect(() => RootStage.load(fileOf(repository, TARGETS), contextOf())).toThrow(malformed('root'));
    expect(() => toRoot(repository).updateTimestamp(fileOf(repository, ROOT))).toThrow(malformed('timestamp'));
  });

  test('carry the bytes that they verified, and marks of every role on the way', async () => {
    const repository = await RepositorySimulator.create();
    const targets: TrustedTargets = toTargets(repository);

    expect(targets).toBeInstanceOf(TargetsStage);
    expect(targets.roles.get(TARGETS)?.file).toBe(fileOf(repository, TARGETS));
    expect([...targets.marks.keys()].sort() as string[]).toEqual(['root', 'snapshot', 'targets', 'timestamp']);
    expect([...toTimestamp(repository).marks.keys()] as string[]).toEqual(['root', 'timestamp']);
    expect([...toSnapshot(repository).marks.keys()] as string[]).toEqual(['root', 'timestamp', 'snapshot']);
  });
});
