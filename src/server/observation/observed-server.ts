// SPDX-License-Identifier: Apache-2.0

import type { Fetch } from '../../service/index.ts';
import { OTHER } from '../../service/metrics/index.ts';
import { type Gun, MetadataError, parseGun } from '../../tuf/index.ts';
import { attemptedUser } from '../auth/index.ts';
import { decodedPath } from '../request-path.ts';
import type { RefusalLog } from './refusal-log.ts';
import type { TrustMetrics } from './trust-metrics.ts';
import { type TrustRoute, trustRoute } from './trust-route.ts';

export interface Observers {
  readonly metrics?: Pick<TrustMetrics, 'published' | 'refused'>;
  readonly refusals?: Pick<RefusalLog, 'refused'>;
}

/** Counts what becomes of requests, and records refused changes. It sees what the client sees, and changes nothing. */
export function observedServer(fetch: Fetch, { metrics, refusals }: Observers): Fetch {
  return async (request) => {
    const response = await fetch(request);
    if (response.ok) {
      if (request.method === 'POST' && trustRoute(request) === 'UpdateTUF') metrics?.published({ outcome: 'OK' });
      return response;
    }
    if (response.status < 400) return response;
    const route = trustRoute(request);
    const { code, detail } = await problemIn(response);
    metrics?.refused({ code });
    if (route === 'UpdateTUF') metrics?.published({ outcome: code });
    if (isRecorded(request, route, response.status)) {
      const user = attemptedUser(request);
      const claimed = user === undefined ? {} : { user };
      refusals?.refused(request, gunIn(request), { route, code, ...detail, ...claimed });
    }
    return response;
  };
}

const CHANGES: ReadonlySet<TrustRoute> = new Set(['UpdateTUF', 'DeleteTUF', 'GetKey', 'RotateKey']);

/**
 * Changes that were refused, and credentials that did not do. A 401 without credentials only asks for some: every client
 * begins with one. What is limited, or is the server's own fault, is counted and no more.
 */
function isRecorded(request: Request, route: TrustRoute, status: number): boolean {
  if (status === 401) return request.headers.has('authorization');
  return CHANGES.has(route) && status < 500 && status !== 429 && status !== 404;
}

interface Problem {
  readonly code: string;
  readonly detail: Readonly<Record<string, string>>;
}

/** The code that the body gives, with the kind of a refused update. */
async function problemIn(response: Response): Promise<Problem> {
  if (response.status === 404) return { code: 'METADATA_NOT_FOUND', detail: {} };
  try {
    // biome-ignore lint/suspicious/noExplicitAny: our own error body, or that of something in front; each field is checked
    const body: any = await response.clone().json();
    const [error] = body.errors;
    const { Name, Error: about } = error.detail ?? {};
    const detail: Record<string, string> = {};
    if (typeof Name === 'string') detail.kind = Name;
    if (typeof about?.Msg === 'string') detail.reason = about.Msg;
    return { code: String(error.code), detail };
  } catch {
    return { code: OTHER, detail: {} };
  }
}

function gunIn(request: Request): Gun | undefined {
  const path = decodedPath(request.url) ?? '';
  const end = path.lastIndexOf('/_trust/');
  if (!path.startsWith('/v2/') || end < 0) return undefined;
  try {
    return parseGun(path.slice('/v2/'.length, end));
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}
