// SPDX-License-Identifier: Apache-2.0
import type { Gun, KeyId, PublicKey, RoleName } from '../../tuf/index.ts';
import { PrivateKey } from '../private-key.ts';
import type { Signer } from '../signer.ts';
import { ServiceKeyError } from './errors.ts';

/** The algorithms that Notary's signer makes keys of. */
export type ServiceKeyAlgorithm = 'ecdsa' | 'ed25519';

export interface ServiceKeyInfo {
  readonly key: PublicKey;
  /** `undefined` where it was never noted, and where the keys are of a service that does not tell (Notary's signer). */
  readonly gun: Gun | undefined;
  /** `undefined` where it was never noted: Notary's first signers kept keys without it. */
  readonly role: RoleName | undefined;
  /** Whether the key has never signed; `undefined` where the service does not tell. */
  readonly pending: boolean | undefined;
}

/**
 * The keys that a service signs with: timestamp and snapshot keys of many repositories. Concurrent use is safe. What
 * `create` returned is durable; a key counts as used before its first signature is handed out.
 */
export interface ServiceKeys {
  /**
   * A key for this role of this GUN. While one of the same algorithm has never signed, it is returned again (the one with
   * the lowest ID), so that asking twice before the first publish gives one key (reference 7.4).
   * @throws ServiceKeyError `unstorable-name`
   */
  create(gun: Gun, role: RoleName, algorithm: ServiceKeyAlgorithm): Promise<PublicKey>;
  /** `undefined` for an unknown key. @throws ServiceKeyError when the stored key cannot be opened */
  signer(keyId: KeyId): Promise<Signer | undefined>;
  /** What another process removed may be told for a minute. */
  info(keyId: KeyId): Promise<ServiceKeyInfo | undefined>;
  /**
   * Destroys the key; an unknown one is no error. Signers that were handed out reject with `not-found`, those of other
   * processes within a minute.
   */
  remove(keyId: KeyId): Promise<void>;
}

/** Of no key. */
const NO_KEY = '0'.repeat(64) as KeyId;

/** That keys can be had now: a look-up of one that cannot exist asks whatever holds them. */
export async function assertReachable(keys: Pick<ServiceKeys, 'info'>): Promise<void> {
  await keys.info(NO_KEY);
}

interface Entry {
  readonly key: PrivateKey;
  readonly gun: Gun;
  readonly role: RoleName;
  used: boolean;
}

/** Service keys in memory, gone with the process. */
export class MemoryServiceKeys implements ServiceKeys {
  readonly #entries = new Map<KeyId, Entry>();

  async create(gun: Gun, role: RoleName, algorithm: ServiceKeyAlgorithm): Promise<PublicKey> {
    const pending = [...this.#entries.values()]
      .filter((entry) => !entry.used && entry.gun === gun && entry.role === role && entry.key.algorithm === algorithm)
      .sort((a, b) => (a.key.keyId < b.key.keyId ? -1 : 1))[0];
    if (pending !== undefined) return pending.key.key;
    const key = PrivateKey.generate(algorithm);
    this.#entries.set(key.keyId, { key, gun, role, used: false });
    return key.key;
  }

  async signer(keyId: KeyId): Promise<Signer | undefined> {
    const entry = this.#entries.get(keyId);
    if (entry === undefined) return undefined;
    return { key: entry.key.key, sign: (message) => this.#sign(entry, message) };
  }

  async #sign(entry: Entry, message: Uint8Array): Promise<Uint8Array> {
    const { key } = entry;
    if (!this.#entries.has(key.keyId)) throw new ServiceKeyError('not-found', `key ${key.keyId} was removed`);
    entry.used = true;
    return key.sign(message);
  }

  async info(keyId: KeyId): Promise<ServiceKeyInfo | undefined> {
    const entry = this.#entries.get(keyId);
    return entry && { key: entry.key.key, gun: entry.gun, role: entry.role, pending: !entry.used };
  }

  async remove(keyId: KeyId): Promise<void> {
    this.#entries.delete(keyId);
  }
}
