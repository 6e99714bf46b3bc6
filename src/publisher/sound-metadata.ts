// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../encoding/index.ts';
import {
  type Dialect,
  expiryOf,
  type Gun,
  type KeyId,
  kindOf,
  MetadataError,
  type PublicKey,
  type RoleKeys,
  type RoleName,
  type Root,
  type Signed,
  type Targets,
  TOP_LEVEL_ROLES,
  usableKeys,
} from '../tuf/index.ts';

const CLOCK_ERROR = 86_400_000;

/**
 * What somebody else wrote for us to sign, read and judged. It must be metadata that Hallmark could have written: in the
 * one form that says nothing but what is shown (S10), of a role that people sign, with thresholds that its keys can
 * reach (S9), children of its own alone, and an expiry that is neither past nor later than it would be if made now.
 * @throws MetadataError
 */
export function decodeForSigning(
  role: RoleName,
  signedBytes: Uint8Array,
  dialect: Dialect,
  gun: Gun,
  now: Date,
): Root | Targets {
  const signed = decodeRole(role, signedBytes, dialect);
  if (signed.type !== 'root' && signed.type !== 'targets') throw malformed(role, 'is not signed by people');
  if (!equalBytes(dialect.encodeSigned(signed), signedBytes)) throw malformed(role, 'holds more than can be shown');
  if (signed.expires.getTime() <= now.getTime()) throw malformed(role, `expired at ${signed.expires.toISOString()}`);
  if (signed.expires.getTime() > expiryOf(signed.type, now).getTime() + CLOCK_ERROR)
    throw malformed(role, `would expire only at ${signed.expires.toISOString()}`);
  if (signed.type === 'root') checkRoot(signed, dialect, gun, now);
  else checkDelegations(role, signed);
  return signed;
}

function decodeRole(role: RoleName, signedBytes: Uint8Array, dialect: Dialect): Signed {
  return dialect.decodeSigned(kindOf(role), signedBytes);
}

function checkRoot(root: Root, dialect: Dialect, gun: Gun, now: Date): void {
  for (const role of TOP_LEVEL_ROLES) checkThreshold(role, root.roles.get(role), root.keys);
  // certificates of another repository, or expired ones, would lock every client out
  const usable = new Map([...dialect.rootKeys(root, gun, now)]);
  const { keyIds, threshold } = root.roles.get('root') as RoleKeys;
  checkThreshold('root', { keyIds: keyIds.filter((id) => usable.has(id)), threshold }, usable);
}

function checkDelegations(role: RoleName, { delegations }: Targets): void {
  const used = new Set(delegations.roles.flatMap(({ keyIds }) => keyIds));
  if ([...delegations.keys.keys()].some((id) => !used.has(id))) throw malformed(role, 'lists a key of no delegation');
  const seen = new Set<RoleName>();
  for (const delegation of delegations.roles) {
    const { name, keyIds } = delegation;
    const isChild = name.startsWith(`${role}/`) && !name.slice(role.length + 1).includes('/');
    if (!isChild || seen.has(name)) throw malformed(role, `delegates to ${name}, which is repeated or no child of it`);
    seen.add(name);
    // a role may be left without keys until it gets new ones
    if (keyIds.length > 0) checkThreshold(name, delegation, delegations.keys);
  }
}

function checkThreshold(role: string, listed: RoleKeys | undefined, keys: ReadonlyMap<KeyId, PublicKey>): void {
  const { keyIds, threshold } = listed ?? { keyIds: [], threshold: 1 };
  const distinct = usableKeys(keyIds, keys);
  if (threshold < 1 || threshold > distinct)
    throw new MetadataError('bad-threshold', `${role} cannot need ${threshold} signatures of ${distinct} usable keys`);
}

function malformed(role: string, what: string): MetadataError {
  return new MetadataError('malformed', `staged ${role} ${what}`);
}
