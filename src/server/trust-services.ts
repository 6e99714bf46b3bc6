// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../service/index.ts';
import type { ServiceKeyAlgorithm } from '../signing/service-keys/index.ts';
import type { Authenticator } from './auth/index.ts';
import type { Publishing } from './publish.ts';
import type { Refresher } from './refresh.ts';
import type { CacheAges } from './responses.ts';

/** What the handlers work with. */
export interface TrustServices extends Publishing {
  readonly refresher: Refresher;
  /** Of the keys that the server makes. */
  readonly keyAlgorithm: ServiceKeyAlgorithm;
  readonly cacheAges: CacheAges;
  readonly log: Log;
  /** Whether storage can be reached, as of a second ago at most. */
  readonly checkStorage: () => Promise<void>;
  readonly auth: Authenticator;
  readonly gunPrefixes: readonly string[];
}
