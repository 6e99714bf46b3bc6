// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { Log } from './log.ts';

export type Fetch = (request: Request) => Promise<Response>;

const WRITES = new Set(['POST', 'PUT', 'DELETE', 'PATCH']);

/** One line for each request: writes and failures at `info` and above, reads at `debug`. The query is left out. */
export function withRequestLog(fetch: Fetch, log: Log, elapsed: () => number = () => performance.now()): Fetch {
  return async (request) => {
    const start = elapsed();
    const response = await fetch(request);
    const { method, url } = request;
    const line = () => ({
      id: randomUUID(),
      method,
      path: url.slice(url.indexOf('/', 8)).replace(/\?.*$/s, ''),
      status: response.status,
      ms: Math.round((elapsed() - start) * 10) / 10,
    });
    if (response.status >= 500) log.error(line(), 'request');
    else if (WRITES.has(method)) log.info(line(), 'request');
    else if (log.isDebug) log.debug(line(), 'request');
    return response;
  };
}
