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

/** The version before a path, as the engine's router takes it. */
const VERSION = /^\/v[0-9.]+(?=\/)/;

/** @throws AmbiguousRequestError for the API that Podman has beside Docker's: images have other places in it */
export function routeOf({ method, path, upgrades }: Pick<RequestHead, 'method' | 'path' | 'upgrades'>): Route {
  const plain = path.replace(VERSION, '');
  if (plain.startsWith('/libpod/')) throw new AmbiguousRequestError("content trust: Podman's own API is not judged");
  const found = ROUTES.find(([wanted, pattern]) => wanted === method && pattern.test(plain))?.[2];
  return found ?? (upgrades ? 'stream' : 'pass');
}

/** `/v1.43`, or nothing. */
export function versionOf(path: string): string {
  return VERSION.exec(path)?.[0] ?? '';
}
