// SPDX-License-Identifier: Apache-2.0
import type { Signer } from '../signing/index.ts';
import type { RequestOf, ResponseOf, SIGN } from '../signing/protocol/index.ts';
import { ServiceKeyError, type ServiceKeyInfo } from '../signing/service-keys/index.ts';
import { type KeyId, SIGNATURE_METHODS, sha256Hex, verifyingKey } from '../tuf/index.ts';
import type { KeyUseFacts } from './audit-trail.ts';
import { assertAllowed, type ClientIdentity } from './client-identity.ts';
import { keyIdOrUndefined, keyInfoOf, nameOf, type SigningServices } from './key-calls.ts';
import { SigningRefusal } from './refusals.ts';
import type { SignedVersions } from './signed-versions.ts';
import { isSignedRole, readSignable, type SigningRules, statedRole } from './signing-rules.ts';

export interface SignServices extends SigningServices {
  readonly rules: SigningRules;
  readonly versions: SignedVersions;
  readonly clock: () => Date;
}

/** What a key is for never changes, so that it is asked of the database once. */
const CACHE_SIZE = 10_000;

/** Grows while the request is judged, so that a refusal is recorded with all that was known by then. */
type Facts = { -readonly [Name in keyof KeyUseFacts]: KeyUseFacts[Name] };

/** proto.Signer: the content is judged, the intent recorded, the signature made, the outcome recorded. */
export class SignCall {
  readonly #services: SignServices;
  readonly #infos = new Map<KeyId, ServiceKeyInfo>();

  constructor(services: SignServices) {
    this.#services = services;
  }

  async sign({ keyId, content }: RequestOf<typeof SIGN>, client: ClientIdentity): Promise<ResponseOf<typeof SIGN>> {
    const { trail, allowed } = this.#services;
    const facts: Facts = { use: 'sign' };
    const signer = await trail.judged(client, facts, () => {
      if (keyId === undefined || keyId.id === '') throw new SigningRefusal('invalid', 'the request names no key');
      Object.assign(facts, { keyId: nameOf(keyId.id), sha256: sha256Hex(content) });
      assertAllowed(client, 'sign', allowed);
      return this.#judge(keyId.id, content, facts);
    });
    const signature = await trail.around(client, facts, () => signer.sign(content).catch(asRefusal(facts.keyId)));
    const method = SIGNATURE_METHODS[verifyingKey(signer.key).algorithm];
    return { keyInfo: keyInfoOf(signer.key), algorithm: { algorithm: method }, content: signature };
  }

  /** The key's signer, if the key may sign this content. @throws SigningRefusal */
  async #judge(id: string, content: Uint8Array, facts: Facts): Promise<Signer> {
    const { keys, rules, clock, versions } = this.#services;
    const keyId = keyIdOrUndefined(id);
    const info = keyId && (await this.#info(keyId));
    if (keyId === undefined || info === undefined) throw unknownKey(id);
    const role = info.role ?? statedRole(content);
    Object.assign(facts, { gun: info.gun, role });
    if (!isSignedRole(role)) throw new SigningRefusal('invalid', `keys of role ${role} sign nothing here`);
    const { version } = readSignable(role, content, rules, clock());
    facts.version = version;
    const signer = await keys.signer(keyId).catch(asRefusal(id));
    if (signer === undefined) throw this.#forgotten(keyId);
    if (versions.note(keyId, version).isRestart) facts.restart = true;
    return signer;
  }

  async #info(keyId: KeyId): Promise<ServiceKeyInfo | undefined> {
    const known = this.#infos.get(keyId);
    if (known !== undefined) return known;
    const info = await this.#services.keys.info(keyId);
    if (info === undefined) return undefined;
    this.#infos.set(keyId, info);
    const [oldest] = this.#infos.keys();
    if (this.#infos.size > CACHE_SIZE && oldest !== undefined) this.#infos.delete(oldest);
    return info;
  }

  #forgotten(keyId: KeyId): SigningRefusal {
    this.#infos.delete(keyId);
    this.#services.versions.forget(keyId);
    return unknownKey(keyId);
  }
}

function unknownKey(id: string): SigningRefusal {
  return new SigningRefusal('unknown-key', `signing key not found: ${nameOf(id)}`);
}

/** A key that was removed meanwhile is unknown; one that cannot be opened is our fault, and told to the log alone. */
function asRefusal(id: string | undefined): (cause: unknown) => never {
  return (cause) => {
    if (cause instanceof ServiceKeyError && cause.code === 'not-found') throw unknownKey(id ?? '');
    throw new SigningRefusal('failed', 'the key cannot be used', { cause });
  };
}
