// SPDX-License-Identifier: Apache-2.0

/** Who asked for a change, as far as the server knows: what the audit log names. */
export interface Actor {
  /** The authenticated user, `anonymous`, or `server` for what it does by itself. */
  readonly name: string;
  /** The peer's IP address. */
  readonly address?: string;
  /** Of the request that asked for it; the same as in the service's log. */
  readonly requestId?: string;
}

/** A request that carried no credentials where none are needed. */
export const ANONYMOUS: Actor = { name: 'anonymous' };

/** The server itself, when it signs anew what is about to expire. */
export const SERVER_ITSELF: Actor = { name: 'server' };
