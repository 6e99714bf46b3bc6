// SPDX-License-Identifier: Apache-2.0
import type { Gun } from '../../tuf/index.ts';
import { ANONYMOUS } from '../actor.ts';
import type { TrustServices } from '../trust-services.ts';

/** DELETE /v2/GUN/_trust/tuf/: gone for good, whether or not there was anything; the server's keys stay. */
export async function deleteMetadata(gun: Gun, services: TrustServices): Promise<Response> {
  await services.storage.delete(gun, { now: services.clock(), actor: ANONYMOUS });
  services.log.info({ gun }, 'repository deleted');
  return new Response(null);
}
