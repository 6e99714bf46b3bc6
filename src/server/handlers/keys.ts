// SPDX-License-Identifier: Apache-2.0
import { encodeBase64 } from '../../encoding/index.ts';
import { type Gun, type PublicKey, ROOT } from '../../tuf/index.ts';
import type { Actor } from '../actor.ts';
import { decodeStored } from '../current-view.ts';
import { heldKeys, type OnlineRole } from '../online-keys.ts';
import { textResponse } from '../responses.ts';
import type { TrustServices } from '../trust-services.ts';

/**
 * GET /v2/GUN/_trust/tuf/ROLE.key: the key that the server signs the role with, or the one that it would sign with once
 * a root names it (reference 6.7).
 */
export async function getKey(gun: Gun, role: OnlineRole, services: TrustServices, actor: Actor): Promise<Response> {
  const file = await services.storage.current(gun, ROOT);
  const root = file && decodeStored('root', file);
  const held = root && (await heldKeys(services.keys, gun, role, root));
  const [active] = held?.values() ?? [];
  return active === undefined ? rotateKey(gun, role, services, actor) : keyResponse(active);
}

/** POST of the same path: a key for the next root to name; nothing changes before that. */
export async function rotateKey(gun: Gun, role: OnlineRole, services: TrustServices, actor: Actor): Promise<Response> {
  const key = await services.keys.create(gun, role, services.keyAlgorithm);
  services.log.info({ gun, role, actor: actor.name }, 'key given for the next root');
  return keyResponse(key);
}

/** Notary answers in this order of fields, not the canonical one (reference 2.6). */
function keyResponse({ type, bytes }: PublicKey): Response {
  return textResponse(JSON.stringify({ keytype: type, keyval: { public: encodeBase64(bytes), private: null } }));
}
