// SPDX-License-Identifier: Apache-2.0
import { AmbiguousRequestError, type RequestHead } from './request-head.ts';

/** What a request would do with images. */
export type Route =
  /** Bring an image into the engine. */
  | 'pull'
  | 'pull-plugin'
  /** Run one. */
  | 'create-container'
  | 'create-service'
  /** Make one of others: by the classic builder, or over a session of BuildKit. */
  | 'build'
  | 'buildkit'
  /** Go on with a raw stream: attach, exec. */
  | 'stream'
  /** Nothing that a policy could be asked about. */
  | 'pass';

const ROUTES: readonly (readonly [method: string, path: RegExp, route: Route])[] = [
  ['POST', /^\/images\/create$/, 'pull'],
  ['POST', /^\/containers\/create$/, 'create-container'],
  ['POST', /^\/services\/create$/, 'create-service'],
  ['POST', /^\/services\/[^/]+\/update$/, 'create-service'],
  ['POST', /^\/plugins\/pull$/, 'pull-plugin'],
  ['POST', /^\/plugins\/.+\/upgrade$/, 'pull-plugin'],
  ['POST', /^\/containers\/[^/]+\/attach$/, 'stream'],
  ['GET', /^\/containers\/[^/]+\/attach\/ws$/, 'stream'],
  ['POST', /^\/exec\/[^/]+\/start$/, 'stream'],
  ['POST', /^\/build$/, 'build'],
  ['POST', /^\/session$/, 'buildkit'],
  ['POST', /^\/grpc$/, 'buildkit'],
];

/** The version before a path, as the engine's router takes it. Podman's takes more, such as `v1.41-x`. */
const VERSION = /^\/v[0-9.]+(?=\/)/;

/** What Docker's API consists of. Beside it there are APIs in which images have other places, Podman's own for one. */
const FAMILIES = new Set(
  [
    '_ping version info events system auth debug containers exec images build commit distribution session grpc',
    'volumes networks plugins swarm nodes services tasks secrets configs',
  ].flatMap((names) => names.split(' ')),
);

/** @throws AmbiguousRequestError for what is no part of Docker's API: nobody knows what it would run */
export function routeOf({ method, path, upgrades }: Pick<RequestHead, 'method' | 'path' | 'upgrades'>): Route {
  const plain = path.replace(VERSION, '');
  const family = plain.split('/')[1] ?? '';
  if (!FAMILIES.has(family))
    throw new AmbiguousRequestError(`no part of Docker's API that is known here: ${plain.slice(0, 80)}`);
  const found = ROUTES.find(([wanted, pattern]) => wanted === method && pattern.test(plain))?.[2];
  return found ?? (upgrades ? 'stream' : 'pass');
}

/** `/v1.43`, or nothing. */
export function versionOf(path: string): string {
  return VERSION.exec(path)?.[0] ?? '';
}
