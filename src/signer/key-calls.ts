// SPDX-License-Identifier: Apache-2.0
import { quoteText } from '../encoding/index.ts';
import {
  type CREATE_KEY,
  type DELETE_KEY,
  type GET_KEY_INFO,
  type KeyInfoMessage,
  KeyState,
  type RequestOf,
  type ResponseOf,
} from '../signing/protocol/index.ts';
import {
  type ServiceKeyAlgorithm,
  ServiceKeyError,
  type ServiceKeyInfo,
  type ServiceKeys,
} from '../signing/service-keys/index.ts';
import {
  type Gun,
  type KeyId,
  keyId,
  MetadataError,
  type PublicKey,
  parseGun,
  parseKeyId,
  parseRoleName,
} from '../tuf/index.ts';
import type { AuditTrail } from './audit-trail.ts';
import { type AllowedClients, assertAllowed, type ClientIdentity } from './client-identity.ts';
import { SigningRefusal } from './refusals.ts';
import { isSignedRole } from './signing-rules.ts';

/** What the calls work with. */
export interface SigningServices {
  readonly keys: ServiceKeys;
  readonly trail: AuditTrail;
  readonly allowed: AllowedClients;
}

/** proto.KeyManagement: keys are made, described and destroyed. */
export class KeyCalls {
  readonly #services: SigningServices;

  constructor(services: SigningServices) {
    this.#services = services;
  }

  /** The pending key of this GUN, role and algorithm, or a new one. Publishers' roles get none. */
  async create(request: RequestOf<typeof CREATE_KEY>, client: ClientIdentity): Promise<ResponseOf<typeof CREATE_KEY>> {
    const { keys, trail, allowed } = this.#services;
    const asked = { use: 'create', gun: request.gun.slice(0, 255), role: nameOf(request.role) } as const;
    const { gun, role, algorithm } = await trail.judged(client, asked, () => {
      assertAllowed(client, 'create', allowed);
      return readCreation(request);
    });
    const facts = { use: 'create', gun, role, algorithm } as const;
    const make = () => keys.create(gun, role, algorithm).catch(creationFailed);
    const key = await trail.around(client, facts, make, (made) => ({ keyId: keyId(made) }));
    return { keyInfo: keyInfoOf(key), publicKey: key.bytes };
  }

  async remove({ id }: RequestOf<typeof DELETE_KEY>, client: ClientIdentity): Promise<ResponseOf<typeof DELETE_KEY>> {
    const { keys, trail, allowed } = this.#services;
    const asked = { use: 'remove', keyId: nameOf(id) } as const;
    await trail.judged(client, asked, () => assertAllowed(client, 'remove', allowed));
    const parsed = keyIdOrUndefined(id);
    const info = parsed && (await keys.info(parsed));
    // an unknown key is gone already, as Notary's signer sees it too
    if (parsed === undefined || info === undefined) return {};
    const facts = { ...asked, gun: info.gun ?? '', role: info.role ?? '' };
    await trail.around(client, facts, () => keys.remove(parsed));
    return {};
  }

  async info({ id }: RequestOf<typeof GET_KEY_INFO>, client: ClientIdentity): Promise<ResponseOf<typeof GET_KEY_INFO>> {
    assertAllowed(client, 'info', this.#services.allowed);
    const parsed = keyIdOrUndefined(id);
    const info = parsed && (await this.#services.keys.info(parsed));
    if (info === undefined) throw new SigningRefusal('unknown-key', `key ${nameOf(id)} not found`);
    const { key, role, gun } = info;
    return { keyInfo: keyInfoOf(key), publicKey: key.bytes, role: role ?? '', gun: gun ?? '', state: stateOf(info) };
  }
}

function stateOf({ pending }: ServiceKeyInfo): number {
  if (pending === undefined) return KeyState.untold;
  return pending ? KeyState.pending : KeyState.used;
}

/** @throws SigningRefusal */
function readCreation({ gun, role, algorithm }: RequestOf<typeof CREATE_KEY>) {
  if (!isServiceAlgorithm(algorithm)) {
    const text = `algorithm ${nameOf(algorithm)} not supported for create key`;
    throw new SigningRefusal('unsupported-algorithm', text);
  }
  if (!isSignedRole(role)) throw new SigningRefusal('invalid', `keys of role ${quoteText(role, 40)} are not made here`);
  return { gun: gunOf(gun), role: parseRoleName(role), algorithm };
}

function isServiceAlgorithm(text: string): text is ServiceKeyAlgorithm {
  return text === 'ecdsa' || text === 'ed25519';
}

function gunOf(text: string): Gun {
  try {
    return parseGun(text);
  } catch (cause) {
    if (!(cause instanceof MetadataError)) throw cause;
    throw new SigningRefusal('invalid', cause.message, { cause });
  }
}

/** Notary's text, which tells the client no more; the cause goes to the log. A name that cannot be kept is the client's. */
function creationFailed(cause: unknown): never {
  if (cause instanceof ServiceKeyError && cause.code === 'unstorable-name')
    throw new SigningRefusal('invalid', cause.message, { cause });
  throw new SigningRefusal('creation-failed', 'Key creation failed', { cause });
}

export function keyIdOrUndefined(text: string): KeyId | undefined {
  try {
    return parseKeyId(text);
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

/** Plain words stand as Notary's texts have them; whatever else a client sent is quoted. */
export function nameOf(text: string): string {
  return /^[\w.-]{1,64}$/.test(text) ? text : quoteText(text, 64);
}

export function keyInfoOf(key: PublicKey): KeyInfoMessage {
  return { keyId: { id: keyId(key) }, algorithm: { algorithm: key.type } };
}
