// SPDX-License-Identifier: Apache-2.0
import type { Gun } from '../../tuf/index.ts';
import { ANONYMOUS } from '../actor.ts';
import { parseMultipart } from '../multipart.ts';
import { publish } from '../publish.ts';
import { readBody } from '../request-body.ts';
import type { TrustServices } from '../trust-services.ts';
import { readUploads } from '../uploads.ts';

/** POST /v2/GUN/_trust/tuf/ (reference 6.5). An update without files is legal where the server holds the snapshot key. */
export async function update(gun: Gun, request: Request, services: TrustServices): Promise<Response> {
  const body = await readBody(request, services.limits.bodyBytes);
  const parts = parseMultipart(request.headers.get('content-type'), body, services.limits.files);
  const uploads = readUploads(parts, services.limits);
  await publish(gun, uploads, services, ANONYMOUS);
  services.log.info({ gun, roles: [...uploads.keys()] }, 'update stored');
  return new Response(null);
}
