// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_LIMITS } from '../limits.ts';
import type { ServerLimits } from './settings.ts';

/** Rules that both forms of the configuration have in common. */
export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  update: DEFAULT_LIMITS,
  idleSeconds: 60,
  bodySeconds: 120,
  drainSeconds: 20,
};

/** The longest that the original takes: a year of 365 days. */
export const MAX_CACHE_SECONDS = 31_536_000;

/** Ends in a slash, and is a clean path that begins neither with a slash nor above (reference 11.2). */
export function isGunPrefix(prefix: string): boolean {
  if (!prefix.endsWith('/')) return false;
  return prefix
    .slice(0, -1)
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..');
}
