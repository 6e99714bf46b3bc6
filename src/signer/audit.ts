// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../service/index.ts';

/** Where a use of a key stands. `intent` comes before the key is touched; one of the others comes after it. */
export type KeyUsePhase = 'intent' | 'done' | 'refused' | 'failed';

/** One line of the record of what was done with keys: plain data, without secrets. */
export interface KeyUse {
  readonly use: 'sign' | 'create' | 'remove';
  readonly phase: KeyUsePhase;
  /** The same for the lines of one use. */
  readonly id: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  /** The name in the client's certificate. */
  readonly client: string;
  /** The client's address and port. */
  readonly address: string;
  /** What the client calls the request that it did this for; absent where it says nothing. */
  readonly requestId?: string;
  readonly keyId?: string;
  readonly gun?: string;
  readonly role?: string;
  readonly algorithm?: string;
  /** Of the metadata to sign. */
  readonly version?: number;
  /** Hex, of the bytes to sign. */
  readonly sha256?: string;
  /** Whether the key had signed higher versions before: its repository begins again. */
  readonly restart?: boolean;
  /** Why it was refused or failed. */
  readonly reason?: string;
}

/**
 * Records a use of a key. It resolves once the line is as durable as it shall be: no signature leaves before its
 * `intent` is. If it rejects, nothing is signed.
 */
export type Audit = (use: KeyUse) => void | Promise<void>;

/** Every use as a line of the service's log. */
export function auditToLog(log: Log): Audit {
  return (use) => {
    if (use.phase === 'failed') log.error(use, 'key use');
    else if (use.phase === 'refused' || use.restart === true) log.warn(use, 'key use');
    else log.info(use, 'key use');
  };
}
