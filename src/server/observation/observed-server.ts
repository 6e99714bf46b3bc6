// SPDX-License-Identifier: Apache-2.0

import type { Fetch } from '../../service/index.ts';
import { OTHER } from '../../service/metrics/index.ts';
import { type Gun, MetadataError, parseGun } from '../../tuf/index.ts';
import { attemptedUser } from '../auth/index.ts';
import { ProblemResponse } from '../problems.ts';
import { UpdateRefusal } from '../refusals.ts';
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
    const failed = response instanceof ProblemResponse ? response : undefined;
    const code = failed?.problem.code ?? OTHER;
    metrics?.refused({ code });
    if (route === 'UpdateTUF') metrics?.published({ outcome: code });
    if (isRecorded(request, route, response.status)) {
      const user = attemptedUser(request);
      const claimed = user === undefined ? {} : { user };
      refusals?.refused(request, gunIn(request), { route, code, ...(failed && refusalIn(failed)), ...claimed });
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

/** The kind and the reason of a refused update, as its sender reads them. */
function refusalIn({ problem }: ProblemResponse): Readonly<Record<string, string>> {
  if (!(problem.cause instanceof UpdateRefusal)) return {};
  const { Name, Error: about } = problem.cause.detail();
  return { kind: Name, reason: about.Msg };
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
