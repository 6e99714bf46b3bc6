// SPDX-License-Identifier: Apache-2.0
import { plainRead } from '../plain-read.ts';
import { decodedPath } from '../request-path.ts';

/** What requests are called in metrics, logs and traces: the original's names of its operations (reference 6.1). */
export const TRUST_ROUTES = [
  'GetRole',
  'GetRoleByHash',
  'GetRoleByVersion',
  'UpdateTUF',
  'DeleteTUF',
  'GetKey',
  'RotateKey',
  'Changefeed',
  'Ping',
  'Health',
  'other',
] as const;

/** For `withRequestLog`: nothing below them asks who sent the request. */
export const PLAIN_READS: ReadonlySet<string> = new Set(['GetRole', 'GetRoleByHash', 'GetRoleByVersion']);

export type TrustRoute = (typeof TRUST_ROUTES)[number];

const TUF = '/_trust/tuf/';

/**
 * The route of a request, by its path as routing reads it: cheap enough for every read, and never anything that a client made up
 * (S23). Whether the route is taken is the table's to say.
 */
export function trustRoute(request: Request): TrustRoute {
  const read = plainRead(request);
  if (read !== undefined) return fileRoute(read.file);
  const { method, url } = request;
  const path = decodedPath(url) ?? '';
  const at = path.lastIndexOf(TUF);
  if (at < 0) return serverRoute(method, path);
  const file = at + TUF.length;
  if (file === path.length) return method === 'POST' ? 'UpdateTUF' : method === 'DELETE' ? 'DeleteTUF' : 'other';
  if (path.endsWith('.key')) return method === 'POST' ? 'RotateKey' : method === 'GET' ? 'GetKey' : 'other';
  if (method !== 'GET' || !path.endsWith('.json')) return 'other';
  return fileRoute(path.slice(file));
}

function fileRoute(file: string): TrustRoute {
  if (file.indexOf('.') === file.length - '.json'.length) return 'GetRole';
  const first = file.charCodeAt(0);
  return first >= 0x30 && first <= 0x39 ? 'GetRoleByVersion' : 'GetRoleByHash';
}

function serverRoute(method: string, path: string): TrustRoute {
  if (method !== 'GET') return 'other';
  if (path.endsWith('/_trust/changefeed')) return 'Changefeed';
  if (path.endsWith('/_notary_server/health')) return 'Health';
  return path.endsWith('/v2/') ? 'Ping' : 'other';
}
