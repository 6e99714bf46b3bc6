// SPDX-License-Identifier: Apache-2.0
import type { FoundTarget } from './delegations.ts';
import { VerificationError } from './errors.ts';
import type { Targets, Verified } from './metadata.ts';
import { type RoleName, TARGETS } from './names.ts';
import { delegationsOf } from './path-patterns.ts';

/** Roles that one search may look into: a chain of delegations without end is somebody's attack. */
export const MAX_VISITS = 256;

/** The content of a role that was verified for its delegator. */
export interface Visited {
  readonly role: RoleName;
  readonly signed: Verified<Targets>;
}

/** The role to look into next, and by whose word. */
export interface NextVisit<T extends Visited> {
  readonly delegator: T;
  readonly role: RoleName;
}

/**
 * 5.6.7: looks for a path through the delegations, in pre-order and depth first (S20). It yields each role that it needs,
 * so that nothing is fetched that is not asked for, is given that role's verified file, and ends with what was found. Each
 * role is visited once; after a terminating delegation come only the roles below it.
 * @throws VerificationError `malformed` more than {@link MAX_VISITS} roles
 */
export function* searchTarget<T extends Visited>(
  top: T,
  path: string,
): Generator<NextVisit<T>, FoundTarget | undefined, T> {
  const visited = new Set<RoleName>([top.role]);
  const waiting: NextVisit<T>[] = [];
  for (let current = top; ; ) {
    const target = current.signed.targets.get(path);
    if (target !== undefined) return { path, role: current.role, target };
    const children = delegationsOf(current.signed.delegations, path);
    const end = children.findIndex(({ terminating }) => terminating === true);
    if (end >= 0) waiting.length = 0;
    const wanted = end >= 0 ? children.slice(0, end + 1) : children;
    waiting.push(...wanted.map(({ name }) => ({ delegator: current, role: name })).reverse());
    let next = waiting.pop();
    while (next !== undefined && visited.has(next.role)) next = waiting.pop();
    if (next === undefined) return undefined;
    if (visited.size >= MAX_VISITS)
      throw new VerificationError('malformed', TARGETS, `more than ${MAX_VISITS} roles may sign one path`);
    visited.add(next.role);
    current = yield next;
  }
}
