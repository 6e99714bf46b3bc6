// SPDX-License-Identifier: Apache-2.0
import type { ServerTlsPaths, StorageSettings, TlsPaths } from '../../service/config/index.ts';
import type { Address, LogLevel } from '../../service/index.ts';
import type { WebhookEventType } from '../../service/webhooks/index.ts';
import type { KeyDatabaseSettings } from '../../signing/key-database/index.ts';
import type { ServiceKeyAlgorithm } from '../../signing/service-keys/index.ts';
import type { UpdateLimits } from '../limits.ts';
import type { RequestBudgets } from '../request-limits.ts';
import type { CacheAges } from '../responses.ts';

/** What the trust server is told to be, whichever form its configuration had. Files are named, and read at the start. */
export interface ServerSettings extends OperationSettings {
  readonly listen: Address;
  /** `'plain'` was said, and is nothing's default (S8). */
  readonly tls: ServerTlsPaths | 'plain';
  readonly storage: StorageSettings;
  readonly keys: KeySettings;
  /** Of keys made from now on. */
  readonly keyAlgorithm: ServiceKeyAlgorithm;
  readonly auth: AuthSettings;
  /** GUNs that are served begin with one of these; all are where there is none. */
  readonly gunPrefixes: readonly string[];
  readonly limits: ServerLimits;
  readonly cacheAges: CacheAges;
  readonly logLevel: LogLevel;
  /** What was said and is not obeyed, or is dangerous: one line each, for the log. */
  readonly warnings: readonly string[];
}

/** Who holds the timestamp and snapshot keys. */
export type KeySettings =
  | ({ readonly at: 'signer'; readonly tls: TlsPaths } & Address)
  | ({ readonly at: 'database' } & KeyDatabaseSettings)
  /** Gone with the process, and then no repository that was made meanwhile can be changed again. */
  | { readonly at: 'memory' };

/** Who may do what. */
export type AuthSettings = { readonly type: 'none' } | TokenAuthSettings | HtpasswdAuthSettings;

export interface TokenAuthSettings {
  readonly type: 'token';
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** Files, and a URL, of the keys that sign tokens; one at least. */
  readonly certificates?: string | undefined;
  readonly jwks?: string | undefined;
  readonly jwksUrl?: string | undefined;
  readonly autoRedirect: boolean;
  /** Seconds. */
  readonly skew: number;
  readonly publicRead: boolean;
}

export interface HtpasswdAuthSettings {
  readonly type: 'htpasswd';
  readonly file: string;
  readonly url?: string | undefined;
  readonly service?: string | undefined;
  readonly tokenKey?: string | undefined;
  readonly publicRead: boolean;
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly rules: readonly {
    readonly users: readonly string[];
    readonly groups: readonly string[];
    readonly gun: string;
    readonly allow: readonly ('pull' | 'push' | '*')[];
  }[];
  readonly defaultAccess?: 'all' | 'read' | 'none' | undefined;
}

export interface ServerLimits {
  readonly update: UpdateLimits;
  /** Seconds without a byte after which a connection is closed. */
  readonly idleSeconds: number;
  /** Seconds that requests under way have to end when the server is told to stop. */
  readonly drainSeconds: number;
  /** Seconds for which new requests are still taken after the server said that it is not ready. */
  readonly stopDelaySeconds: number;
  /** How often one user, or one address, may do what. */
  readonly rates: RequestBudgets;
}

/** What happens beside requests. Spans are in seconds. */
export interface OperationSettings {
  /** Proxies in front whose word about a request is believed. */
  readonly proxies?:
    | { readonly addresses: readonly string[]; readonly requestIdHeader?: string | undefined }
    | undefined;
  readonly renewal: {
    readonly timestamp: number;
    readonly snapshot: number;
    readonly perSecond: number;
    readonly notice: number;
  };
  /** Where those who run the service ask for /live, /ready and /metrics, in plain HTTP. */
  readonly operations?: Address | undefined;
  /** Web pages: where they listen, or below `/console/` of the server's own address. */
  readonly console?: { readonly listen?: Address | undefined } | undefined;
  readonly audit?: { readonly file: string; readonly name?: string | undefined } | undefined;
  readonly webhooks: readonly WebhookSettings[];
  readonly tracing?: TracingSettings | undefined;
}

export interface WebhookSettings {
  readonly name: string;
  readonly url: string;
  readonly secretFile: string;
  readonly events?: readonly WebhookEventType[] | undefined;
  readonly ca?: string | undefined;
}

export interface TracingSettings {
  readonly endpoint: string;
  /** Files that hold the values of headers, by name. */
  readonly headerFiles: Readonly<Record<string, string>>;
  readonly ratio: number;
}
