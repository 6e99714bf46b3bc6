// SPDX-License-Identifier: Apache-2.0
import type { TrustedRepository } from '../client/index.ts';
import type { Dialect, Gun, RoleName } from '../tuf/index.ts';
import type { Draft } from './draft.ts';
import type { SigningKeys } from './sign-role.ts';
import type { TrustServer } from './trust-server.ts';

export interface PublisherOptions {
  readonly gun: Gun;
  readonly dialect: Dialect;
  readonly keys: SigningKeys;
  readonly server: TrustServer;
  /** Brings the repository up to date, from the server, each time it is called. */
  readonly refresh: () => Promise<TrustedRepository>;
  readonly clock: () => Date;
  /** Called before a root key is made. */
  readonly onNewRootKey?: () => void;
  /** Called as soon as the server has taken the files, whatever comes after it. */
  readonly onPublished?: (published: Published) => void;
  /** Makes the draft of a repository that the server does not have; Docker's first publish unless said otherwise. */
  readonly initialize?: () => Promise<Draft>;
}

/** What was published. */
export interface Published {
  /** Files that were sent; empty if everything was signed already. */
  readonly roles: readonly RoleName[];
  /** Whether the repository was new. */
  readonly initialized: boolean;
}

/** Changes a draft; called anew, on a newer draft, when somebody else published meanwhile. */
export type Edit = (draft: Draft, now: Date) => Promise<void> | void;
