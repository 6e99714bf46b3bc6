// SPDX-License-Identifier: Apache-2.0
import type { Gun } from '../../tuf/index.ts';
import type { Actor } from '../actor.ts';
import { parseMultipart } from '../multipart.ts';
import { publish } from '../publish.ts';
import { readBody } from '../request-body.ts';
import type { TrustServices } from '../trust-services.ts';
import { readUploads } from '../uploads.ts';

/** POST /v2/GUN/_trust/tuf/ (reference 6.5). An update without files is legal where the server holds the snapshot key. */
export async function update(gun: Gun, request: Request, services: TrustServices, actor: Actor): Promise<Response> {
  const { bodyBytes, bodyMs } = services.limits;
  const body = await readBody(request, { bytes: bodyBytes, milliseconds: bodyMs });
  const parts = parseMultipart(request.headers.get('content-type'), body, services.limits.files);
  const uploads = readUploads(parts, services.limits);
  await publish(gun, uploads, services, actor);
  services.log.info({ gun, actor: actor.name, roles: [...uploads.keys()] }, 'update stored');
  return new Response(null);
}
