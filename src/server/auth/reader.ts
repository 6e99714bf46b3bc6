// SPDX-License-Identifier: Apache-2.0
import type { Gun } from '../../tuf/index.ts';
import type { Actor } from '../actor.ts';

/** Collections by name and by the beginning of names. */
export interface ReadableNames {
  readonly guns: readonly string[];
  readonly prefixes: readonly string[];
}

/** Somebody who looks around, and what they may see: for lists, which no request about one collection can be. */
export interface Reader {
  readonly actor: Actor;
  /** What lists may show them; `undefined` is everything, and what is about no collection. */
  readonly names: ReadableNames | undefined;
  /** Whether they may pull it; with public reading that is more than lists show. */
  mayPull(gun: Gun): boolean;
}

/** What a browser shows from now on instead of the credentials, and for how long. */
export interface Session {
  /** Taken as a bearer token by `Authenticator.reader`, and by nothing else. */
  readonly token: string;
  readonly lifetimeSeconds: number;
}

/** How people show who they are: `nothing` where everybody may do everything. */
export type SignInKind = 'nothing' | 'password' | 'token';

export function readerOf(actor: Actor, names: ReadableNames | undefined): Reader {
  return { actor, names, mayPull: (gun) => names === undefined || isNamed(names, gun) };
}

function isNamed({ guns, prefixes }: ReadableNames, gun: string): boolean {
  return guns.includes(gun) || prefixes.some((prefix) => gun.startsWith(prefix));
}

/** Lets people in who look around with a browser; it decides nothing about the API. */
export interface Readers {
  readonly signIn: SignInKind;
  /** Who asks, by their credentials or a session. @throws AuthenticationError, TooManyAttemptsError, AuthenticationUnavailableError */
  reader(request: Request): Promise<Reader>;
  /** A session for whoever shows credentials in the `Authorization` header. @throws as `reader` */
  session(request: Request): Promise<Session>;
}
