// SPDX-License-Identifier: Apache-2.0
import type { TrustServices } from '../trust-services.ts';

/** GET /_notary_server/health: 200 `{}`, or 503 naming the check that failed, never its details. */
export async function health({ checkStorage, log }: TrustServices): Promise<Response> {
  const headers = { 'Content-Type': 'application/json; charset=utf-8' };
  try {
    await checkStorage();
    return new Response('{}', { headers });
  } catch (error) {
    log.error({ error }, 'storage cannot be reached');
    return new Response(JSON.stringify({ 'DB operational': 'storage cannot be reached' }), { status: 503, headers });
  }
}
