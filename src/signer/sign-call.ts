// SPDX-License-Identifier: Apache-2.0
import type { Signer } from '../signing/index.ts';
import type { RequestOf, ResponseOf, SIGN } from '../signing/protocol/index.ts';
import { ServiceKeyError, type ServiceKeyInfo } from '../signing/service-keys/index.ts';
import { type KeyId, SIGNATURE_METHODS, sha256Hex, type Version, verifyingKey } from '../tuf/index.ts';
import type { KeyUseFacts } from './audit-trail.ts';
import { assertAllowed, type ClientIdentity } from './client-identity.ts';
import { keyIdOrUndefined, keyInfoOf, nameOf, type SigningServices } from './key-calls.ts';
import { SigningRefusal } from './refusals.ts';
import type { SignedVersions } from './signed-versions.ts';
import { isSignedRole, readSignable, type SigningRules } from './signing-rules.ts';

export interface SignServices extends SigningServices {
  readonly rules: SigningRules;
  readonly versions: SignedVersions;
  readonly clock: () => Date;
}

/** What a key is for never changes, so that it is asked of the database once. */
const CACHE_SIZE = 10_000;

interface Use {
  readonly signer: Signer;
  readonly facts: KeyUseFacts;
}

/** proto.Signer: the content is judged, the intent recorded, the signature made, the outcome recorded. */
export class SignCall {
  readonly #services: SignServices;
  readonly #infos = new Map<KeyId, ServiceKeyInfo>();

  constructor(services: SignServices) {
    this.#services = services;
  }

  async sign({ keyId, content }: RequestOf<typeof SIGN>, client: ClientIdentity): Promise<ResponseOf<typeof SIGN>> {
    const { trail, allowed } = this.#services;
    const { signer, facts } = await this.#judged(keyId?.id ?? '', content, client, () =>
      assertAllowed(client, 'sign', allowed),
    );
    const signature = await trail.around(client, facts, () => signer.sign(content).catch(asRefusal(facts.keyId)));
    const method = SIGNATURE_METHODS[verifyingKey(signer.key).algorithm];
    return { keyInfo: keyInfoOf(signer.key), algorithm: { algorithm: method }, content: signature };
  }

  /** A refusal is recorded as well: somebody who has a certificate tried. */
  async #judged(id: string, content: Uint8Array, client: ClientIdentity, allow: () => void): Promise<Use> {
    const facts: { -readonly [Name in keyof KeyUseFacts]: KeyUseFacts[Name] } = { use: 'sign' };
    try {
      if (id === '') throw new SigningRefusal('invalid', 'the request names no key');
      facts.keyId = nameOf(id);
      facts.sha256 = sha256Hex(content);
      allow();
      return { signer: await this.#signer(id, content, facts), facts };
    } catch (error) {
      if (error instanceof SigningRefusal) await this.#services.trail.refused(client, facts, error);
      throw error;
    }
  }

  async #signer(
    id: string,
    content: Uint8Array,
    facts: { -readonly [Name in keyof KeyUseFacts]: KeyUseFacts[Name] },
  ): Promise<Signer> {
    const { rules, clock, versions } = this.#services;
    const keyId = keyIdOrUndefined(id);
    const info = keyId && (await this.#info(keyId));
    if (keyId === undefined || info === undefined) throw unknownKey(id);
    Object.assign(facts, { gun: info.gun, role: info.role });
    if (!isSignedRole(info.role)) throw new SigningRefusal('invalid', `keys of role ${info.role} sign nothing here`);
    const signed = readSignable(info.role, content, rules, clock());
    facts.version = signed.version;
    const signer = await this.#services.keys.signer(keyId).catch(asRefusal(id));
    if (signer === undefined) throw this.#forgotten(keyId);
    if (versions.note(keyId, signed.version as Version).isRestart) facts.restart = true;
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
