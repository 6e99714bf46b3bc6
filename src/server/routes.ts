// SPDX-License-Identifier: Apache-2.0
import { type Context, Hono } from 'hono';
import { recently } from '../service/health/index.ts';
import { identifyRequest, type Log, targetUrl } from '../service/index.ts';
import type { ServiceKeyAlgorithm, ServiceKeys } from '../signing/service-keys/index.ts';
import { ANONYMOUS } from './actor.ts';
import type { Authenticator } from './auth/index.ts';
import { checkGunPrefixes, requirePrefix } from './gun-prefixes.ts';
import { DEFAULT_LIMITS, type UpdateLimits } from './limits.ts';
import { MAX_PATH, plainRead } from './plain-read.ts';
import { problemResponse, TrustProblem } from './problems.ts';
import { Refresher } from './refresh.ts';
import { cleanPath, decodedPath, gunOf } from './request-path.ts';
import { type CacheAges, DEFAULT_CACHE_AGES } from './responses.ts';
import {
  COLLECTION_ROUTES,
  type CollectionRoute,
  NOT_FOUND_NEEDS,
  READ_FILE,
  SERVER_ROUTES,
  type ServerRoute,
} from './route-table.ts';
import type { MetadataStorage } from './storage/index.ts';
import type { TrustServices } from './trust-services.ts';

export interface TrustServerOptions {
  readonly storage: MetadataStorage;
  readonly keys: ServiceKeys;
  readonly clock: () => Date;
  readonly log: Log;
  /** Who may do what; `openToAll` has to be said. */
  readonly auth: Authenticator;
  /** The only collections that this server is for; all unless given. */
  readonly gunPrefixes?: readonly string[];
  readonly keyAlgorithm?: ServiceKeyAlgorithm;
  readonly limits?: Partial<UpdateLimits>;
  readonly cacheAges?: Partial<CacheAges>;
}

export interface TrustServer {
  /** Renews what is about to expire; `Renewer` asks it to. */
  readonly refresher: Pick<Refresher, 'renew'>;
  /** Always resolves: what goes wrong becomes a response. */
  fetch(request: Request): Promise<Response>;
}

/** Notary's HTTP API (reference 6) over the given storage and keys. @throws GunPrefixError */
export function createTrustServer(options: TrustServerOptions): TrustServer {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const publishing = { ...options, limits };
  const services: TrustServices = {
    ...publishing,
    refresher: new Refresher(publishing),
    keyAlgorithm: options.keyAlgorithm ?? 'ecdsa',
    cacheAges: { ...DEFAULT_CACHE_AGES, ...options.cacheAges },
    gunPrefixes: options.gunPrefixes ?? [],
    checkStorage: recently(() => options.storage.check()),
  };
  checkGunPrefixes(services.gunPrefixes);
  const app = routes(services);
  return {
    refresher: services.refresher,
    fetch: async (request) => {
      try {
        return await (answeredPlainly(request, services) ??
          options.auth.tokenResponse?.(request) ??
          redirected(request) ??
          answered(app, request, services));
      } catch (error) {
        return problemResponse(error, options.log);
      }
    },
  };
}

/**
 * The one route that nearly every request takes, ahead of the others: to match it in the table costs as much as all that
 * it does. It is the same route of the table; whatever is not spelled plainly goes there.
 */
function answeredPlainly(request: Request, services: TrustServices): Promise<Response> | undefined {
  const read = plainRead(request);
  return read && aboutCollection(READ_FILE, read.gun, read.file, request, services);
}

function routes(services: TrustServices): Hono {
  const app = new Hono({ getPath });
  for (const route of SERVER_ROUTES) {
    app.on(route.method, route.path, (c) => aboutServer(route, c.req.raw, services));
  }
  for (const route of COLLECTION_ROUTES) {
    app.on(route.method, route.path, (c) =>
      aboutCollection(route, param(c, 'gun'), param(c, 'file'), c.req.raw, services),
    );
  }
  app.notFound((c) => notFound(c.req.raw, services));
  app.onError((error) => problemResponse(error, services.log));
  return app;
}

/** The order matters: a name that this server is not for is refused before anybody is asked who they are. */
async function aboutCollection(
  route: CollectionRoute,
  name: string,
  file: string,
  request: Request,
  services: TrustServices,
): Promise<Response> {
  const gun = gunOf(name, route.noGun);
  requirePrefix(gun, services.gunPrefixes, route.method === 'POST' && file === '');
  const actor = await services.auth.authenticate(request, { kind: 'repository', gun, actions: route.needs });
  // log lines and audit entries below name whoever was recognised
  if (actor.name !== ANONYMOUS.name) identifyRequest(actor.name);
  return route.handle({ request, services, actor, gun, file });
}

async function aboutServer(route: ServerRoute, request: Request, services: TrustServices): Promise<Response> {
  const actor =
    route.needs === 'nothing' ? ANONYMOUS : await services.auth.authenticate(request, { kind: route.needs });
  return route.handle({ request, services, actor });
}

/** Hono decodes parameters once more, so a percent sign that belongs to the name is escaped for it. */
function getPath(request: Request): string {
  const path = decodedPath(request.url) ?? '';
  return path.length > MAX_PATH ? '' : path.replaceAll('%', '%25');
}

function param(context: Context, name: string): string {
  return context.req.param(name) ?? '';
}

/** Go's router sends `//` and `..` to the path without them; clients of a server URL with a final slash rely on it. */
function redirected(request: Request): Response | undefined {
  const path = decodedPath(request.url);
  if (path === undefined || !/\/(?:\/|\.\.?(?:\/|$))/.test(path)) return undefined;
  const location = encodeURI(cleanPath(path)).replaceAll('?', '%3F').replaceAll('#', '%23');
  // where the request names no usable host, its query is what bytes came, which no header may hold
  return new Response(null, { status: 301, headers: { Location: location + targetUrl(request.url).search } });
}

const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE', 'HEAD']);

async function answered(app: Hono, request: Request, services: TrustServices): Promise<Response> {
  if (!METHODS.has(request.method)) return new Response(null, { status: 405 });
  if (request.method !== 'HEAD') return app.fetch(request);
  // Hono would answer HEAD as GET; Notary has no such route
  return (await notFound(request, services).catch((error) => problemResponse(error, services.log))).bare;
}

async function notFound(request: Request, services: TrustServices): Promise<never> {
  await services.auth.authenticate(request, NOT_FOUND_NEEDS);
  throw new TrustProblem('METADATA_NOT_FOUND');
}
