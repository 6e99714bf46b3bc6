// SPDX-License-Identifier: Apache-2.0
import { identifyRequest, withCalls } from '../../service/index.ts';
import { ANONYMOUS } from '../actor.ts';
import type { Authenticator } from '../auth/index.ts';

/** An authenticator that lets the request's log lines and entries of the audit log know whom it recognised. */
export function identifiedCallers(auth: Authenticator): Authenticator {
  return withCalls(auth, {
    async authenticate(request, wanted) {
      const actor = await auth.authenticate(request, wanted);
      if (actor.name !== ANONYMOUS.name) identifyRequest(actor.name);
      return actor;
    },
  });
}
