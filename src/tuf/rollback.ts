// SPDX-License-Identifier: Apache-2.0
import { sha256Hex } from './crypto.ts';
import { VerificationError } from './errors.ts';
import type { RoleKeys, Snapshot, Targets } from './metadata.ts';
import type { KeyId, RoleName, Version } from './names.ts';

/** The newest file of a role that was ever trusted. */
export interface Mark {
  readonly version: Version;
  /** The keys that the role had then. */
  readonly keyIds: readonly KeyId[];
  /** Hex SHA-256 of the file. */
  readonly sha256: string;
}

export type Marks = ReadonlyMap<RoleName, Mark>;

/**
 * Refuses a file older than its mark, or another file of the same version (S17, S19; property 2).
 *
 * A mark falls when one of its keys was taken from the role since: whoever stole a key could have signed a version that
 * nobody can ever exceed, and taking the key away is how its owner recovers (S3 fast-forward). A key that was only added
 * changes nothing.
 * @throws VerificationError `rollback`
 */
export function checkRollback(
  role: RoleName,
  version: Version,
  file: Uint8Array,
  keys: RoleKeys,
  mark: Mark | undefined,
): void {
  // a root is followed by its own chain, never replaced: its mark stands whatever its keys are
  const fallen = mark === undefined || (role !== 'root' && lostKey(mark, keys));
  if (fallen || version > mark.version) return;
  if (version < mark.version) {
    throw new VerificationError(
      'rollback',
      role,
      `${role} version ${version} is older than version ${mark.version}, which was trusted before`,
      {
        expected: `at least ${mark.version}`,
        actual: String(version),
      },
    );
  }
  const actual = sha256Hex(file);
  if (actual !== mark.sha256) {
    throw new VerificationError(
      'rollback',
      role,
      `${role} version ${version} differs from the ${role} ${version} that was trusted before`,
      {
        expected: mark.sha256,
        actual,
      },
    );
  }
}

function lostKey(mark: Mark, { keyIds }: RoleKeys): boolean {
  return mark.keyIds.some((id) => !keyIds.includes(id));
}

/**
 * Delegations that a snapshot no longer lists, though they were trusted before and still have their keys (5.5.5): to leave
 * `targets/releases` out would bring back what `targets` once signed for a tag. The role is refused and not the snapshot,
 * since a delegation that was taken away and given back is in that state until somebody signs it.
 */
export function unlistedDelegations(
  { delegations }: Targets,
  { meta }: Snapshot,
  marks: Marks,
): ReadonlyMap<RoleName, VerificationError> {
  const unlisted = new Map<RoleName, VerificationError>();
  for (const delegation of delegations.roles) {
    const { name } = delegation;
    const mark = marks.get(name);
    if (mark === undefined || meta.has(name) || lostKey(mark, delegation)) continue;
    const evidence = { expected: `${name} version ${mark.version}`, actual: 'not listed' };
    const message = `snapshot no longer lists ${name}, which was trusted before`;
    unlisted.set(name, new VerificationError('rollback', name, message, evidence));
  }
  return unlisted;
}

/** What is remembered of a trusted file. */
export function markOf(version: Version, { keyIds }: RoleKeys, file: Uint8Array): Mark {
  return { version, keyIds, sha256: sha256Hex(file) };
}
