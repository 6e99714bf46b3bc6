// SPDX-License-Identifier: Apache-2.0
import { type Fetch, type Log, pathAndQuery } from '../../service/index.ts';
import {
  AuthenticationError,
  AuthenticationUnavailableError,
  type Reader,
  type Readers,
  type Session,
  TooManyAttemptsError,
} from '../auth/index.ts';
import type { MetadataStorage } from '../storage/index.ts';

/** Why a reader is not let in. */
export interface ReaderRefusal {
  readonly refused: 'unknown' | 'too-many' | 'unavailable';
  readonly retryAfterSeconds?: number;
}

/** Authentication for pages: an answer instead of an error, since a page asks again. */
export interface ReaderDoor {
  readonly signIn: Readers['signIn'];
  enter(request: Request): Promise<Reader | ReaderRefusal>;
  session(request: Request): Promise<Session | ReaderRefusal>;
}

/** What pages over a server work with. The calls of storage that write are not among them. */
export interface ConsoleParts {
  readonly source: Pick<
    MetadataStorage,
    'current' | 'byVersion' | 'byHash' | 'history' | 'collections' | 'expiring' | 'audit'
  >;
  readonly door: ReaderDoor;
  readonly clock: () => Date;
  readonly log: Log;
}

/** Makes the pages; whoever starts a server has them, since a server knows none. */
export type OpenConsole = (parts: ConsoleParts) => Fetch;

export function readerDoor(readers: Readers): ReaderDoor {
  return {
    signIn: readers.signIn,
    enter: (request) => answerOf(readers.reader(request)),
    session: (request) => answerOf(readers.session(request)),
  };
}

/** @throws whatever is none of the refusals of an authenticator */
async function answerOf<T>(asked: Promise<T>): Promise<T | ReaderRefusal> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof AuthenticationError) return { refused: 'unknown' };
    if (error instanceof TooManyAttemptsError) {
      return { refused: 'too-many', retryAfterSeconds: error.retryAfterSeconds };
    }
    if (error instanceof AuthenticationUnavailableError) return { refused: 'unavailable' };
    throw error;
  }
}

/** The calls of storage that read, and no others: what is not there cannot be called by mistake. */
export function readOnly(storage: MetadataStorage): ConsoleParts['source'] {
  return {
    current: (gun, role) => storage.current(gun, role),
    byVersion: (gun, role, version) => storage.byVersion(gun, role, version),
    byHash: (gun, role, sha256) => storage.byHash(gun, role, sha256),
    history: (gun, role, query) => storage.history(gun, role, query),
    collections: (query) => storage.collections(query),
    expiring: (query) => storage.expiring(query),
    audit: (query) => storage.audit(query),
  };
}

const PATH = '/console';

/** Whether a request on the server's own port is for the console; cheap, since every read of the API passes here. */
export function isForConsole({ url }: Pick<Request, 'url'>): boolean {
  const [path] = pathAndQuery(url);
  return path === PATH || path.startsWith(`${PATH}/`);
}

const ROUTES: ReadonlyMap<string, string> = new Map([
  ['', 'ConsoleOverview'],
  ['repository', 'ConsoleRepository'],
  ['history', 'ConsoleHistory'],
  ['expiry', 'ConsoleExpiry'],
  ['audit', 'ConsoleAudit'],
  ['sign-in', 'ConsoleSignIn'],
  ['sign-out', 'ConsoleSignOut'],
]);

/** What a request of the console is called in metrics, logs and traces: one of a fixed set (S23). */
export function consoleRoute({ url }: Request): string {
  const [path] = pathAndQuery(url);
  return (path.startsWith(`${PATH}/`) ? ROUTES.get(path.slice(PATH.length + 1)) : undefined) ?? 'ConsoleOther';
}

export const CONSOLE_ROUTES: readonly string[] = [...ROUTES.values(), 'ConsoleOther'];
