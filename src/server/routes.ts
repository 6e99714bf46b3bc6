// SPDX-License-Identifier: Apache-2.0
import { type Context, Hono } from 'hono';
import type { Log } from '../service/index.ts';
import type { ServiceKeyAlgorithm, ServiceKeys } from '../signing/service-keys/index.ts';
import { type Gun, SNAPSHOT, TIMESTAMP } from '../tuf/index.ts';
import { changefeed } from './handlers/changefeed.ts';
import { deleteMetadata } from './handlers/delete-metadata.ts';
import { getMetadata } from './handlers/get-metadata.ts';
import { health } from './handlers/health.ts';
import { getKey, rotateKey } from './handlers/keys.ts';
import { update } from './handlers/update.ts';
import { DEFAULT_LIMITS, type UpdateLimits } from './limits.ts';
import type { OnlineRole } from './online-keys.ts';
import { problemResponse, TrustProblem } from './problems.ts';
import { Refresher } from './refresh.ts';
import { cleanPath, decodedPath, gunOf } from './request-path.ts';
import { type CacheAges, DEFAULT_CACHE_AGES, textResponse } from './responses.ts';
import type { MetadataStorage } from './storage/index.ts';
import type { TrustServices } from './trust-services.ts';

export interface TrustServerOptions {
  readonly storage: MetadataStorage;
  readonly keys: ServiceKeys;
  readonly clock: () => Date;
  readonly log: Log;
  readonly keyAlgorithm?: ServiceKeyAlgorithm;
  readonly limits?: Partial<UpdateLimits>;
  readonly cacheAges?: Partial<CacheAges>;
}

export interface TrustServer {
  /** Always resolves: what goes wrong becomes a response. */
  fetch(request: Request): Promise<Response>;
}

/** Notary's HTTP API (reference 6) over the given storage and keys. */
export function createTrustServer(options: TrustServerOptions): TrustServer {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const publishing = { ...options, limits };
  const services: TrustServices = {
    ...publishing,
    refresher: new Refresher(publishing),
    keyAlgorithm: options.keyAlgorithm ?? 'ecdsa',
    cacheAges: { ...DEFAULT_CACHE_AGES, ...options.cacheAges },
  };
  const app = routes(services);
  return {
    fetch: async (request) =>
      plainRead(request, services) ?? redirected(request) ?? (await answered(app, request, options.log)),
  };
}

/** The path of a read as clients write it: no escape, no query, no empty or dotted component. */
const PLAIN_READ = /^https?:\/\/[^/]+\/v2\/([\w.:-]+(?:\/[\w.:-]+)*)\/_trust\/tuf\/([\w.-]+(?:\/[\w.-]+)*\.json)$/;

/**
 * The one route that nearly every request takes, ahead of the others: to match it in the table costs as much as all that
 * it does. It is the same handler; whatever is not spelled plainly goes to the table.
 */
function plainRead(request: Request, services: TrustServices): Promise<Response> | undefined {
  if (request.method !== 'GET' || request.url.length > MAX_PATH || request.url.includes('/.')) return undefined;
  const [, gun, file] = PLAIN_READ.exec(request.url) ?? [];
  if (gun === undefined || file === undefined) return undefined;
  return read(gun, file, services).catch((error) => problemResponse(error, services.log));
}

async function read(gun: string, file: string, services: TrustServices): Promise<Response> {
  return getMetadata(gunOf(gun, 'METADATA_NOT_FOUND'), file, services);
}

function routes(services: TrustServices): Hono {
  const app = new Hono({ getPath });
  const [tuf, file, key] = ['/v2/:gun{.+}/_trust/tuf/', ':file{.+[.]json}', ':file{(?:snapshot|timestamp)[.]key}'];

  app.get('/v2/', () => textResponse('{}'));
  app.get('/v2/_trust/changefeed', (c) => changefeed(undefined, c.req.url, services));
  app.get('/v2/:gun{.+}/_trust/changefeed', (c) => changefeed(readGun(c), c.req.url, services));
  app.post(tuf, (c) => update(writeGun(c), c.req.raw, services));
  app.delete(tuf, (c) => deleteMetadata(writeGun(c), services));
  app.get(tuf + key, (c) => getKey(writeGun(c), onlineRole(c), services));
  app.post(tuf + key, (c) => rotateKey(writeGun(c), onlineRole(c), services));
  app.get(tuf + file, (c) => read(param(c, 'gun'), param(c, 'file'), services));
  app.get('/_notary_server/health', () => health(services));

  app.notFound(() => {
    throw new TrustProblem('METADATA_NOT_FOUND');
  });
  app.onError((error) => problemResponse(error, services.log));
  return app;
}

/** Longer than any path of the API; matching a route may cost more than linear time (S31). */
const MAX_PATH = 2048;

/** Hono decodes parameters once more, so a percent sign that belongs to the name is escaped for it. */
function getPath(request: Request): string {
  const path = decodedPath(request.url) ?? '';
  return path.length > MAX_PATH ? '' : path.replaceAll('%', '%25');
}

function param(context: Context, name: string): string {
  return context.req.param(name) ?? '';
}

function readGun(context: Context): Gun {
  return gunOf(param(context, 'gun'), 'METADATA_NOT_FOUND');
}

function writeGun(context: Context): Gun {
  return gunOf(param(context, 'gun'), 'INVALID_GUN');
}

function onlineRole(context: Context): OnlineRole {
  return param(context, 'file') === 'snapshot.key' ? SNAPSHOT : TIMESTAMP;
}

/** Go's router sends `//` and `..` to the path without them; clients of a server URL with a final slash rely on it. */
function redirected(request: Request): Response | undefined {
  const path = decodedPath(request.url);
  if (path === undefined || !/\/(?:\/|\.\.?(?:\/|$))/.test(path)) return undefined;
  const location = encodeURI(cleanPath(path)).replaceAll('?', '%3F').replaceAll('#', '%23');
  return new Response(null, { status: 301, headers: { Location: location + new URL(request.url).search } });
}

const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE']);

async function answered(app: Hono, request: Request, log: Log): Promise<Response> {
  // Hono would answer HEAD as GET; Notary has no such route
  if (request.method === 'HEAD') {
    const { status, headers } = problemResponse(new TrustProblem('METADATA_NOT_FOUND'), log);
    return new Response(null, { status, headers });
  }
  if (!METHODS.has(request.method)) return new Response(null, { status: 405 });
  return app.fetch(request);
}
