// SPDX-License-Identifier: Apache-2.0
import type { Gun } from '../../tuf/index.ts';

/** What may be done with a collection; `*` is everything, and alone lets keys be rotated and collections be deleted. */
export type Action = 'pull' | 'push' | '*';

/**
 * What a request needs (reference 6.1). `ping` is what clients ask first, only to see how to log in; `catalog` shows the
 * names of all collections.
 */
export type Access =
  | { readonly kind: 'ping' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'repository'; readonly gun: Gun; readonly actions: readonly Action[] };

/** A resource of Docker's registry token specification with the actions on it. */
export interface ResourceActions {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

const CATALOG: ResourceActions = { type: 'registry', name: 'catalog', actions: ['*'] };

/** What a token has to hold; Notary wants the same of a ping as of the catalog. */
export function resourceOf(access: Access): ResourceActions {
  if (access.kind !== 'repository') return CATALOG;
  return { type: 'repository', name: access.gun, actions: access.actions };
}

/** `repository:example.com/app:push,pull` */
export function scopeOf(access: Access): string {
  const { type, name, actions } = resourceOf(access);
  return `${type}:${name}:${actions.join(',')}`;
}

/** Whether what was granted suffices; a granted `*` stands for every action. */
export function isGranted(granted: readonly ResourceActions[], access: Access): boolean {
  const wanted = resourceOf(access);
  const held = granted.filter(({ type, name }) => type === wanted.type && name === wanted.name);
  return wanted.actions.every((action) =>
    held.some(({ actions }) => actions.includes(action) || actions.includes('*')),
  );
}

export function isReadOnly(access: Access): boolean {
  return access.kind === 'repository' && access.actions.every((action) => action === 'pull');
}
