// SPDX-License-Identifier: Apache-2.0
import { currentRequest, originOf } from '../../service/index.ts';
import { type Actor, ANONYMOUS, SERVER_ITSELF } from '../actor.ts';

/** Whoever sent the request that is being answered; the server itself where there is none. */
export function actorNow(): Actor {
  const request = currentRequest();
  if (request === undefined) return SERVER_ITSELF;
  const { address } = request.origin();
  const known = address === undefined ? {} : { address };
  return { name: request.caller.name ?? ANONYMOUS.name, ...known, requestId: request.id };
}

/** Whoever sent a request, also a plain read, of which nothing below knows. */
export function actorOf(request: Request): Actor {
  return currentRequest() === undefined ? { ...ANONYMOUS, ...originOf(request) } : actorNow();
}
