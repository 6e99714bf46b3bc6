// SPDX-License-Identifier: Apache-2.0
import { type Budget, clientNetwork, originOf, RateLimiter, withCalls } from '../service/index.ts';
import { ANONYMOUS } from './actor.ts';
import type { Authenticator } from './auth/index.ts';
import { plainRead } from './plain-read.ts';
import { TrustProblem } from './problems.ts';
import { decodedPath } from './request-path.ts';

/** How often one client may do what costs; what has no budget is not limited. */
export interface RequestBudgets {
  readonly reads?: Budget;
  /** Publishing and deleting. */
  readonly writes?: Budget;
  /** Asking for a key of the server: the first time, it is made (W GET key creates keys). */
  readonly keys?: Budget;
}

/** Generous to a build farm behind one address, and far below what keeps a server busy. Reads cost next to nothing. */
export const DEFAULT_BUDGETS: RequestBudgets = {
  writes: { perSecond: 20, burst: 200 },
  keys: { perSecond: 5, burst: 100 },
};

/**
 * An authenticator that also sees to it that nobody asks too often: each user by name, everybody else by address.
 * Whoever does gets 429 `TOOMANYREQUESTS`, and is told when to come again.
 * @param elapsed milliseconds of a clock that never goes back
 */
export function limitedCallers(auth: Authenticator, budgets: RequestBudgets, elapsed?: () => number): Authenticator {
  const limiter = (budget: Budget | undefined) => budget && new RateLimiter(budget, elapsed);
  const limiters = { reads: limiter(budgets.reads), writes: limiter(budgets.writes), keys: limiter(budgets.keys) };
  return withCalls(auth, {
    async authenticate(request, wanted) {
      const actor = await auth.authenticate(request, wanted);
      const seconds = limiters[kindOf(request)]?.take(clientOf(actor.name, request)) ?? 0;
      if (seconds === 0) return actor;
      throw new TrustProblem('TOOMANYREQUESTS', undefined, { headers: { 'Retry-After': String(seconds) } });
    },
  });
}

function kindOf(request: Request): keyof RequestBudgets {
  if (plainRead(request) !== undefined) return 'reads';
  const { method, url } = request;
  // decoded as routing decodes it: no spelling of a key's path may draw on another budget
  if ((decodedPath(url) ?? '').endsWith('.key')) return 'keys';
  return method === 'GET' || method === 'HEAD' ? 'reads' : 'writes';
}

/** A user and an address never share a budget, whatever the user is called. */
function clientOf(name: string, request: Request): string {
  return name === ANONYMOUS.name ? `address ${clientNetwork(originOf(request).address ?? '')}` : `user ${name}`;
}
