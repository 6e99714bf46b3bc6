// SPDX-License-Identifier: Apache-2.0
import type { Gun, Version } from '../../tuf/index.ts';

/** Some of the collections, by name: whoever may see only these is shown only these. */
export interface CollectionScope {
  readonly guns: readonly string[];
  /** Beginnings of names, such as `example.com/team/`. */
  readonly prefixes: readonly string[];
}

/** A collection in a list, by its top-level targets: every collection has them. */
export interface ListedCollection {
  readonly gun: Gun;
  /** Of the current targets. */
  readonly version: Version;
  /** When the current targets expire; `undefined` where nobody can read them. */
  readonly expires: Date | undefined;
}

export interface CollectionQuery {
  /** Only names that hold this text, letter by letter, with case. */
  readonly contains?: string;
  readonly within?: CollectionScope;
  /** By name, or by the expiry of targets: then without those that nobody can read. */
  readonly order: 'name' | 'expiry';
  readonly descending?: boolean;
  /** Only what comes after this one in the order of the answer: where the last answer ended. */
  readonly after?: Pick<ListedCollection, 'gun' | 'expires'>;
  readonly limit: number;
}

/** One version of a role's file, without its content. */
export interface HistoryEntry {
  readonly version: Version;
  readonly sha256: string;
  readonly createdAt: Date | undefined;
}

export interface HistoryQuery {
  /** Only versions below this one. */
  readonly before?: Version;
  readonly limit: number;
}

/** Whether a name could hold it at all; databases differ in what they say of other texts. */
export function isPartOfNames(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

export function isWithin(scope: CollectionScope | undefined, gun: string): boolean {
  if (scope === undefined) return true;
  return scope.guns.includes(gun) || scope.prefixes.some((prefix) => gun.startsWith(prefix));
}
