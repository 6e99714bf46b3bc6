// SPDX-License-Identifier: Apache-2.0
import { encodeHex, equalBytes } from '../encoding/index.ts';
import { hash } from './crypto.ts';
import { VerificationError } from './errors.ts';
import type { MetaFile } from './metadata.ts';
import type { RoleName, Version } from './names.ts';

/**
 * Holds a file's bytes against what its referrer says of them: every pin that is present must match.
 * @throws VerificationError `length-mismatch`, `hash-mismatch`
 */
export function checkPin(role: RoleName, pin: MetaFile, file: Uint8Array): void {
  if (pin.length !== undefined && pin.length !== file.length) {
    throw new VerificationError(
      'length-mismatch',
      role,
      `${role} has ${file.length} bytes where ${pin.length} were announced`,
      {
        expected: String(pin.length),
        actual: String(file.length),
      },
    );
  }
  for (const [algorithm, expected] of pin.hashes ?? []) {
    const actual = hash(algorithm, file);
    if (!equalBytes(actual, expected)) {
      throw new VerificationError('hash-mismatch', role, `${role} does not have the announced ${algorithm}`, {
        expected: encodeHex(expected),
        actual: encodeHex(actual),
      });
    }
  }
}

/** Holds a file's version against the referrer's pin, if it states one. @throws VerificationError `rollback` */
export function checkPinnedVersion(role: RoleName, pin: MetaFile, version: Version): void {
  if (pin.version !== undefined && pin.version !== version) {
    throw new VerificationError('rollback', role, `${role} is version ${version} where ${pin.version} was announced`, {
      expected: String(pin.version),
      actual: String(version),
    });
  }
}

/**
 * Holds a referrer's new pin against its older one: what was pinned by version stays listed, and its version does not fall.
 * A pin that states no version asks nothing. @throws VerificationError `rollback`
 */
export function checkPinKept(role: RoleName, before: MetaFile | undefined, now: MetaFile | undefined): void {
  if (before?.version === undefined) return;
  if (now?.version !== undefined && now.version >= before.version) return;
  const actual = now === undefined ? 'not listed' : `version ${now.version}`;
  throw new VerificationError('rollback', role, `${role} is ${actual} where version ${before.version} was before`, {
    expected: `at least ${before.version}`,
    actual,
  });
}
