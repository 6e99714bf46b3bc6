// SPDX-License-Identifier: Apache-2.0
import type { Delegation, TargetFile, Targets } from './metadata.ts';
import { type RoleName, TARGETS } from './names.ts';

/** A target with the role that signed it. */
export interface FoundTarget {
  readonly path: string;
  readonly role: RoleName;
  readonly target: TargetFile;
}

/** Loaded targets files by role; a role that is absent takes no part. */
export type TargetsByRole = ReadonlyMap<RoleName, { readonly signed: Targets }>;

/**
 * The prefixes that a delegated role may really sign: its own, cut down to what its delegator may (reference 4.4).
 * `''` is every path.
 */
export function permittedPaths(own: readonly string[], parents: readonly string[]): readonly string[] {
  return own.filter((path) => parents.some((parent) => path.startsWith(parent)));
}

/** Whether a role with these prefixes may sign `target`: plain string prefixes, so matching is linear (S31). */
export function coversPath(paths: readonly string[], target: string): boolean {
  return paths.some((prefix) => target.startsWith(prefix));
}

/** One role of the walk, with the paths that its whole chain of delegators leaves to it. */
interface Visit {
  readonly role: RoleName;
  readonly paths: readonly string[];
  readonly targets: Targets;
}

/**
 * The subtree of `start`, breadth first in the order of the delegations (reference 4.6), each role once (S20). A role in
 * `skip` is passed over with all below it.
 */
export function* walk(
  roles: TargetsByRole,
  start: RoleName = TARGETS,
  skip: ReadonlySet<RoleName> = new Set(),
): Generator<Visit> {
  const queue: { role: RoleName; paths: readonly string[] }[] = [{ role: TARGETS, paths: [''] }];
  const seen = new Set<RoleName>();
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { role, paths } = next;
    const targets = roles.get(role)?.signed;
    if (targets === undefined || seen.has(role)) continue;
    seen.add(role);
    // a role above `start` only leads there, whether it is in `skip` or not
    const above = start.startsWith(`${role}/`);
    const inside = role === start || (role.startsWith(`${start}/`) && !skip.has(role));
    if (!above && !inside) continue;
    if (inside) yield { role, paths, targets };
    for (const child of targets.delegations.roles)
      queue.push({ role: child.name, paths: permittedPaths(child.paths, paths) });
  }
}

/** The first target of that path in the subtrees of `order`: each searched without the others (reference 4.6). */
export function findTarget(
  roles: TargetsByRole,
  path: string,
  order: readonly RoleName[] = [TARGETS],
): FoundTarget | undefined {
  for (const start of order) {
    const others = new Set(order.filter((role) => role !== start));
    for (const { role, paths, targets } of walk(roles, start, others)) {
      const target = coversPath(paths, path) ? targets.targets.get(path) : undefined;
      if (target !== undefined) return { path, role, target };
    }
  }
  return undefined;
}

/** Every target of the subtrees of `order`, by path; the first role to name a path wins. */
export function listTargets(
  roles: TargetsByRole,
  order: readonly RoleName[] = [TARGETS],
): ReadonlyMap<string, FoundTarget> {
  const found = new Map<string, FoundTarget>();
  for (const start of order) {
    const others = new Set(order.filter((role) => role !== start));
    for (const { role, paths, targets } of walk(roles, start, others)) {
      for (const [path, target] of targets.targets) {
        if (!found.has(path) && coversPath(paths, path)) found.set(path, { path, role, target });
      }
    }
  }
  return found;
}

/** Every role that signs `path` (all paths when it is left out), each within what its delegators leave to it. */
export function allSigners(roles: TargetsByRole, path?: string): readonly FoundTarget[] {
  return [...walk(roles)].flatMap(({ role, paths, targets }) => {
    const listed = path === undefined ? [...targets.targets.keys()] : targets.targets.has(path) ? [path] : [];
    return listed
      .filter((name) => coversPath(paths, name))
      .map((name) => ({ path: name, role, target: targets.targets.get(name) as TargetFile }));
  });
}

/** All delegations of all loaded roles, in the order of the walk. */
export function allDelegations(roles: TargetsByRole): readonly Delegation[] {
  return [...walk(roles)].flatMap(({ targets }) => targets.delegations.roles);
}
