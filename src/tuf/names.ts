// SPDX-License-Identifier: Apache-2.0
import { quoteText } from '../encoding/index.ts';
import { MetadataError } from './metadata-error.ts';

declare const brand: unique symbol;
type Brand<T, Name> = T & { readonly [brand]: Name };

/** Globally unique name of a trust collection, such as `docker.io/library/alpine`. */
export type Gun = Brand<string, 'Gun'>;
/** `root`, `targets`, `snapshot`, `timestamp`, or a delegation such as `targets/releases`. */
export type RoleName = Brand<string, 'RoleName'>;
/** Identifier of a public key: lower-case hex SHA-256 of its key object's canonical form. */
export type KeyId = Brand<string, 'KeyId'>;
/** Version of a metadata file: an integer of at least 1 that a double holds exactly. */
export type Version = Brand<number, 'Version'>;

export type TopLevelRole = 'root' | 'targets' | 'snapshot' | 'timestamp';
export const TOP_LEVEL_ROLES: readonly TopLevelRole[] = ['root', 'targets', 'snapshot', 'timestamp'];

export const ROOT = 'root' as RoleName & 'root';
export const TARGETS = 'targets' as RoleName & 'targets';
export const SNAPSHOT = 'snapshot' as RoleName & 'snapshot';
export const TIMESTAMP = 'timestamp' as RoleName & 'timestamp';

/** The delegation in which signers collect what is released, by Docker's convention. */
export const RELEASES = 'targets/releases' as RoleName;

const MAX_NAME = 255;
const GUN_FORBIDDEN = /[\p{Cc}*\\?#]|^\s|\s$/u;

/**
 * A GUN becomes directories on the client and a path on the wire, so each component must be a plain name
 * (S12 path traversal in a GUN, Cure53 TUF-01-004).
 * @throws MetadataError code `malformed`
 */
export function parseGun(text: string): Gun {
  const plain = text.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (text.length > MAX_NAME || !plain || GUN_FORBIDDEN.test(text) || !text.isWellFormed()) {
    throw new MetadataError('malformed', `invalid repository name ${quoteText(text, MAX_NAME)}`);
  }
  return text as Gun;
}

const DELEGATION = /^targets(?:\/[-a-z0-9_]+)+$/;

/** A top-level role or a delegation; the name can be used in a file name (S13). @throws MetadataError `malformed` */
export function parseRoleName(text: string): RoleName {
  if (isTopLevel(text) || isDelegationName(text)) return text as RoleName;
  throw new MetadataError('malformed', `invalid role name ${quoteText(text, MAX_NAME)}`);
}

export function isTopLevel(name: string): name is TopLevelRole & RoleName {
  return (TOP_LEVEL_ROLES as readonly string[]).includes(name);
}

export function isDelegationName(name: string): boolean {
  return name.length <= MAX_NAME && DELEGATION.test(name);
}

/** `targets/releases/qa` → `targets/releases`. */
export function parentRole(delegation: RoleName): RoleName {
  return delegation.slice(0, delegation.lastIndexOf('/')) as RoleName;
}

/** @throws MetadataError `malformed` */
export function parseVersion(value: unknown): Version {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
    throw new MetadataError('malformed', 'version is not a positive integer');
  }
  return value as Version;
}

const KEY_ID = /^[0-9a-f]{64}$/;

/** @throws MetadataError `malformed` */
export function parseKeyId(text: string): KeyId {
  if (!KEY_ID.test(text)) throw new MetadataError('malformed', 'key id is not 64 hex digits');
  return text as KeyId;
}
