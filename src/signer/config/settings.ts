// SPDX-License-Identifier: Apache-2.0

import type { Address, LogLevel } from '../../service/index.ts';
import type { KeyDatabaseSettings } from '../../signing/key-database/index.ts';
import type { Operation } from '../client-identity.ts';

/** What the signing service is told to be, whichever form its configuration had. Files are named, and read at the start. */
export interface SignerSettings {
  readonly listen: Address;
  /** All three: without a client's certificate nobody would be kept from asking for signatures (S4). */
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string };
  readonly keys: SignerKeySettings;
  /** Which clients may do what, by the names in their certificates; what is left out is open to all that TLS lets in. */
  readonly clients: { readonly [operation in Operation]?: readonly string[] | undefined };
  readonly limits: {
    /** Calls under way at once. */
    readonly inFlight?: number | undefined;
    /** Seconds that one call may take. */
    readonly deadline?: number | undefined;
  };
  /** Where those who run the service ask for /live, /ready and /metrics, in plain HTTP. */
  readonly operations?: Address | undefined;
  readonly logLevel: LogLevel;
  /** What was said and is not obeyed, or is dangerous: one line each, for the log. */
  readonly warnings: readonly string[];
}

/** Where the keys are: rows of a database, each encrypted, or a token that never gives them out. */
export type SignerKeySettings =
  | ({ readonly at: 'database' } & KeyDatabaseSettings)
  | {
      readonly at: 'token';
      /** `pkcs11:token=…` (RFC 7512), without a PIN (S6). */
      readonly uri: string;
      readonly pinFile: string;
    };
