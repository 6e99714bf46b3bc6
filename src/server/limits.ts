// SPDX-License-Identifier: Apache-2.0
import type { Signed } from '../tuf/index.ts';

/** What one update may cost (S23), and how far it may move a version (S3). */
export interface UpdateLimits {
  /** Bytes of the whole request body. */
  readonly bodyBytes: number;
  /** Milliseconds that the body may take to arrive. */
  readonly bodyMs: number;
  /** Files in one update. */
  readonly files: number;
  /** Bytes of one file, by what it holds. */
  readonly roleBytes: Readonly<Record<Signed['type'], number>>;
  /** How far above the stored version a new one may be. */
  readonly versionJump: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: UpdateLimits = {
  bodyBytes: 64 * MIB,
  bodyMs: 60_000,
  files: 1000,
  roleBytes: { root: MIB, targets: 32 * MIB, snapshot: 8 * MIB, timestamp: MIB },
  versionJump: 1_000_000,
};

/** Notary's `version` column is an `int`. */
export const MAX_VERSION = 2 ** 31 - 1;

/** Roles that a snapshot may list: clients give up beyond a thousand delegations, so more would lock them out (S9, S23). */
export const MAX_LISTED_ROLES = 1000;
