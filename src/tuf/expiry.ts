// SPDX-License-Identifier: Apache-2.0
import { VerificationError } from './errors.ts';
import type { Signed } from './metadata.ts';
import type { RoleName } from './names.ts';

/** That a file is in time: at the very moment of its expiry it still is. @throws VerificationError `expired` */
export function checkExpiry(role: RoleName, { expires }: Signed, now: Date): void {
  if (expires.getTime() >= now.getTime()) return;
  throw new VerificationError('expired', role, `${role} expired at ${expires.toISOString()}`, {
    expected: `after ${now.toISOString()}`,
    actual: expires.toISOString(),
  });
}

/** The role with why it is not in time, if it is not. */
export function faultOf(role: RoleName, check: () => void): readonly (readonly [RoleName, VerificationError])[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof VerificationError) return [[role, error]];
    throw error;
  }
}
