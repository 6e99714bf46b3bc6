// SPDX-License-Identifier: Apache-2.0
import { encodeHex } from '../encoding/index.ts';
import {
  type Gun,
  kindOf,
  type MetaFile,
  notaryV1,
  type ROOT,
  type RoleName,
  type Signed,
  type SignedOf,
  SNAPSHOT,
  type Version,
} from '../tuf/index.ts';
import { type DifferenceOf, rootDifferences, targetsDifferences } from './changes.ts';
import type { ConsoleSource, SourceVersion } from './source.ts';

/** How one role differs from the state before. */
export interface RoleChange {
  readonly role: RoleName;
  readonly version: number | undefined;
  readonly before: number | undefined;
  readonly expires: Date | undefined;
  readonly differences: readonly DifferenceOf[];
}

/** A repository at one moment: what one snapshot names. */
export interface State {
  readonly version: Version;
  readonly sha256: string;
  readonly createdAt: Date | undefined;
  /** When the snapshot itself expires. */
  readonly expires: Date;
  readonly changes: readonly RoleChange[];
  /** Whether there is no earlier state. */
  readonly isFirst: boolean;
}

/**
 * What the server kept of a repository, the newest first, each held against the one before. A snapshot names every other
 * file, so its versions are the states that clients could meet.
 */
export async function statesOf(
  source: ConsoleSource,
  gun: Gun,
  before: Version | undefined,
  limit: number,
): Promise<{ readonly states: readonly State[]; readonly more: boolean }> {
  const found = await source.history(gun, SNAPSHOT, { limit: limit + 1, ...(before === undefined ? {} : { before }) });
  const shown = found.slice(0, limit);
  const states = await Promise.all(shown.map((entry, index) => stateOf(source, gun, entry, found[index + 1])));
  return { states: states.flatMap((state) => state ?? []), more: found.length > limit };
}

async function stateOf(
  source: ConsoleSource,
  gun: Gun,
  { version, sha256, createdAt }: SourceVersion,
  previous: SourceVersion | undefined,
): Promise<State | undefined> {
  const snapshot = await read(source, gun, SNAPSHOT, sha256);
  if (snapshot === undefined) return undefined;
  const before = previous && (await read(source, gun, SNAPSHOT, previous.sha256));
  const roles = [...new Set([...snapshot.meta.keys(), ...(before?.meta.keys() ?? [])])];
  const changed = roles.filter((role) => hashOf(snapshot.meta.get(role)) !== hashOf(before?.meta.get(role)));
  const changes = changed.map((role) => changeOf(source, gun, role, before?.meta.get(role), snapshot.meta.get(role)));
  return {
    ...{ version, sha256, createdAt, expires: snapshot.expires },
    changes: await Promise.all(changes),
    isFirst: previous === undefined,
  };
}

async function changeOf(
  source: ConsoleSource,
  gun: Gun,
  role: RoleName,
  was: MetaFile | undefined,
  is: MetaFile | undefined,
): Promise<RoleChange> {
  const [old, fresh] = await Promise.all([read(source, gun, role, hashOf(was)), read(source, gun, role, hashOf(is))]);
  return {
    role,
    version: fresh?.version,
    before: old?.version,
    expires: fresh?.expires,
    differences: between(old, fresh),
  };
}

function between(old: Signed | undefined, fresh: Signed | undefined): readonly DifferenceOf[] {
  if (fresh?.type === 'root') return rootDifferences(old?.type === 'root' ? old : undefined, fresh);
  const [before, after] = [old, fresh].map((signed) => (signed?.type === 'targets' ? signed : undefined));
  return targetsDifferences(before, after);
}

function hashOf(pin: MetaFile | undefined): string | undefined {
  const sha256 = pin?.hashes?.get('sha256');
  return sha256 && encodeHex(sha256);
}

/** What a stored file says; `undefined` where there is none, as the original server could leave it. */
async function read<R extends RoleName>(
  source: ConsoleSource,
  gun: Gun,
  role: R,
  sha256: string | undefined,
): Promise<
  (R extends typeof SNAPSHOT ? SignedOf<'snapshot'> : R extends typeof ROOT ? SignedOf<'root'> : Signed) | undefined
> {
  const file = sha256 === undefined ? undefined : await source.byHash(gun, role, sha256);
  if (file === undefined) return undefined;
  const { signed }: { readonly signed: Signed } = notaryV1.decode(kindOf(role), file.bytes);
  return signed as never;
}
