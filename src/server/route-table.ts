// SPDX-License-Identifier: Apache-2.0
import { type Gun, SNAPSHOT, TIMESTAMP } from '../tuf/index.ts';
import type { Actor } from './actor.ts';
import type { Action } from './auth/index.ts';
import { changefeed } from './handlers/changefeed.ts';
import { deleteMetadata } from './handlers/delete-metadata.ts';
import { getMetadata } from './handlers/get-metadata.ts';
import { health } from './handlers/health.ts';
import { getKey, rotateKey } from './handlers/keys.ts';
import { update } from './handlers/update.ts';
import type { OnlineRole } from './online-keys.ts';
import { textResponse } from './responses.ts';
import type { TrustServices } from './trust-services.ts';

/** A request whose sender may do what its route is for. */
export interface Call {
  readonly request: Request;
  readonly services: TrustServices;
  readonly actor: Actor;
}

/** One about a collection; `file` is what its path names in it, or nothing. */
export interface CollectionCall extends Call {
  readonly gun: Gun;
  readonly file: string;
}

interface RouteBase {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
}

/** A route about the server as a whole. `needs` has no default: what nobody thought of cannot be written down. */
export interface ServerRoute extends RouteBase {
  readonly needs: 'nothing' | 'ping' | 'catalog';
  handle(call: Call): Promise<Response>;
}

/** A route about one collection, whose actions it needs. */
export interface CollectionRoute extends RouteBase {
  readonly needs: readonly [Action, ...Action[]];
  /** What a name that is no GUN is answered with. */
  readonly noGun: 'METADATA_NOT_FOUND' | 'INVALID_GUN';
  handle(call: CollectionCall): Promise<Response>;
}

const [TUF, FILE, KEY] = ['/v2/:gun{.+}/_trust/tuf/', ':file{.+[.]json}', ':file{(?:snapshot|timestamp)[.]key}'];

/** Reading a file, which has a way of its own past the table (routes.ts), and the same needs. */
export const READ_FILE: CollectionRoute = {
  method: 'GET',
  path: TUF + FILE,
  needs: ['pull'],
  noGun: 'METADATA_NOT_FOUND',
  handle: ({ gun, file, request, services }) => getMetadata(gun, file, request, services),
};

/** Notary's API (reference 6.1), each route with what it needs. Those about the server come first. */
export const SERVER_ROUTES: readonly ServerRoute[] = [
  { method: 'GET', path: '/v2/', needs: 'ping', handle: async () => textResponse('{}') },
  {
    method: 'GET',
    path: '/v2/_trust/changefeed',
    needs: 'catalog',
    handle: ({ request, services }) => changefeed(undefined, request.url, services),
  },
  { method: 'GET', path: '/_notary_server/health', needs: 'nothing', handle: ({ services }) => health(services) },
];

/** The first that fits is taken. */
export const COLLECTION_ROUTES: readonly CollectionRoute[] = [
  {
    method: 'GET',
    path: '/v2/:gun{.+}/_trust/changefeed',
    needs: ['pull'],
    noGun: 'METADATA_NOT_FOUND',
    handle: ({ gun, request, services }) => changefeed(gun, request.url, services),
  },
  {
    method: 'POST',
    path: TUF,
    needs: ['push', 'pull'],
    noGun: 'INVALID_GUN',
    handle: ({ gun, request, services, actor }) => update(gun, request, services, actor),
  },
  {
    method: 'DELETE',
    path: TUF,
    needs: ['*'],
    noGun: 'INVALID_GUN',
    handle: ({ gun, services, actor }) => deleteMetadata(gun, services, actor),
  },
  {
    method: 'GET',
    path: TUF + KEY,
    needs: ['push', 'pull'],
    noGun: 'INVALID_GUN',
    handle: ({ gun, file, services, actor }) => getKey(gun, onlineRole(file), services, actor),
  },
  {
    method: 'POST',
    path: TUF + KEY,
    needs: ['*'],
    noGun: 'INVALID_GUN',
    handle: ({ gun, file, services, actor }) => rotateKey(gun, onlineRole(file), services, actor),
  },
  READ_FILE,
];

/** Whatever else is asked for: it is not there, yet only who may see the catalog is told so (reference 6.1). */
export const NOT_FOUND_NEEDS = { kind: 'catalog' } as const;

function onlineRole(file: string): OnlineRole {
  return file === 'snapshot.key' ? SNAPSHOT : TIMESTAMP;
}
