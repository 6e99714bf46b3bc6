// SPDX-License-Identifier: Apache-2.0
import type { Gun } from '../tuf/index.ts';
import { TrustProblem } from './problems.ts';

/** A prefix that is none: it has to end in a slash, to be a clean path, and not to lead upwards. */
export class GunPrefixError extends Error {
  override readonly name = 'GunPrefixError';
  readonly prefix: string;

  constructor(prefix: string) {
    super(`GUN prefix ${JSON.stringify(prefix)}: a clean path without a slash before and with one behind is wanted`);
    this.prefix = prefix;
  }
}

/** The rules of Notary's `repositories.gun_prefixes`. @throws GunPrefixError */
export function checkGunPrefixes(prefixes: readonly string[]): void {
  for (const prefix of prefixes) if (!isGunPrefix(prefix)) throw new GunPrefixError(prefix);
}

/** Whether it is a clean path that ends in a slash and begins neither with one nor above. */
export function isGunPrefix(prefix: string): boolean {
  const parts = prefix.split('/');
  const clean = parts.slice(0, -1).every((part) => part !== '' && part !== '.' && part !== '..');
  return parts.length > 1 && parts.at(-1) === '' && clean;
}

/**
 * Refuses collections that this server is not for, before anybody is asked who they are (reference 6.3). Without
 * prefixes it is for all.
 * @throws TrustProblem `INVALID_GUN` for an update, else `METADATA_NOT_FOUND`
 */
export function requirePrefix(gun: Gun, prefixes: readonly string[], isUpdate: boolean): void {
  if (prefixes.length === 0 || prefixes.some((prefix) => gun.startsWith(prefix))) return;
  if (isUpdate) throw new TrustProblem('INVALID_GUN', `Require GUNs with prefix: [${prefixes.join(' ')}]`);
  throw new TrustProblem('METADATA_NOT_FOUND');
}
