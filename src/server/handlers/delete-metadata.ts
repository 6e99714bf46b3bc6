// SPDX-License-Identifier: Apache-2.0
import type { Gun } from '../../tuf/index.ts';
import type { Actor } from '../actor.ts';
import type { TrustServices } from '../trust-services.ts';

/** DELETE /v2/GUN/_trust/tuf/: gone for good, whether or not there was anything; the server's keys stay. */
export async function deleteMetadata(gun: Gun, services: TrustServices, actor: Actor): Promise<Response> {
  await services.storage.delete(gun, { now: services.clock(), actor });
  services.log.info({ gun, actor: actor.name }, 'repository deleted');
  return new Response(null);
}
