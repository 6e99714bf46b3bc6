// SPDX-License-Identifier: Apache-2.0

/** Where a request came from, as far as the service knows. */
export interface RequestOrigin {
  /** The peer's IP address; that of a proxy where one stands in front. */
  readonly address?: string;
  /** The same as in the service's log. */
  readonly requestId?: string;
}

const origins = new WeakMap<Request, () => RequestOrigin>();

/** Remembers where `request` came from; `origin` is asked only when somebody wants to know. */
export function noteOrigin(request: Request, origin: () => RequestOrigin): void {
  const known = origins.get(request);
  origins.set(request, known === undefined ? origin : () => ({ ...known(), ...origin() }));
}

export function originOf(request: Request): RequestOrigin {
  return origins.get(request)?.() ?? {};
}
