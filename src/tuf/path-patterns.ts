// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '../encoding/index.ts';
import { sha256Hex } from './crypto.ts';
import type { Delegation, Delegations, SuccinctRoles } from './metadata.ts';
import type { RoleName } from './names.ts';

/**
 * Whether a pattern stands for a path: `*` for any characters but `/`, `?` for one of them, everything else for itself. The
 * cost is at most the product of both lengths, whatever the pattern (S31): only the last `*` is ever tried again.
 */
export function matchesPattern(wanted: string, text: string): boolean {
  const [pattern, path] = [[...wanted], [...text]];
  let [at, star, resume] = [0, -1, 0];
  for (let i = 0; i < path.length; ) {
    if (at < pattern.length && pattern[at] === '*') {
      star = at++;
      resume = i;
    } else if (at < pattern.length && (pattern[at] === path[i] || (pattern[at] === '?' && path[i] !== '/'))) {
      at++;
      i++;
    } else if (star >= 0 && path[resume] !== '/') {
      at = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** Whether a role may sign `path`, by what its delegator alone says. */
export function delegatesPath(delegation: Delegation, path: string): boolean {
  const { paths, patterns = [], hashPrefixes = [] } = delegation;
  if (paths.some((prefix) => path.startsWith(prefix))) return true;
  if (patterns.some((pattern) => matchesPattern(pattern, path))) return true;
  if (hashPrefixes.length === 0) return false;
  const hashed = sha256Hex(encodeUtf8(path));
  return hashPrefixes.some((prefix) => hashed.startsWith(prefix));
}

/** The roles that may sign `path`, in the order of the delegator. */
export function delegationsOf({ roles, succinct }: Delegations, path: string): readonly Delegation[] {
  if (succinct === undefined) return roles.filter((role) => delegatesPath(role, path));
  const first = Number.parseInt(sha256Hex(encodeUtf8(path)).slice(0, 8), 16);
  return [binOf(succinct, Math.floor(first / 2 ** (32 - succinct.bits)))];
}

/** What the delegator says of a role by name: of one that it lists, or of one of its bins. */
export function delegationNamed({ roles, succinct }: Delegations, name: RoleName): Delegation | undefined {
  if (succinct === undefined) return roles.find((role) => role.name === name);
  const prefix = `${succinct.namePrefix}-`;
  const number = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 16) : Number.NaN;
  if (!(number >= 0 && number < 2 ** succinct.bits)) return undefined;
  const bin = binOf(succinct, number);
  return bin.name === name ? bin : undefined;
}

/** Nobody else may sign what belongs to a bin. */
function binOf({ keyIds, threshold, bits, namePrefix }: SuccinctRoles, number: number): Delegation {
  const digits = number.toString(16).padStart(Math.ceil(bits / 4), '0');
  const name = `${namePrefix}-${digits}` as RoleName;
  return { name, keyIds, threshold, paths: [], terminating: true };
}
