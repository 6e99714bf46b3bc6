// SPDX-License-Identifier: Apache-2.0
import { quoteText } from '../../encoding/index.ts';
import {
  canonicalIdOf,
  type Gun,
  isSignatureValid,
  type KeyId,
  keyId as keyIdOf,
  MetadataError,
  type PublicKey,
  parseGun,
  parseRoleName,
  type RoleName,
  SIGNATURE_METHODS,
  verifyingKey,
} from '../../tuf/index.ts';
import {
  CREATE_KEY,
  DELETE_KEY,
  GET_KEY_INFO,
  HEALTH_CHECK,
  HEALTH_SERVICES,
  type KeyInfoMessage,
  KeyState,
  RemoteSignerError,
  ServingStatus,
  SIGN,
} from '../protocol/index.ts';
import {
  type ServiceKeyAlgorithm,
  ServiceKeyError,
  type ServiceKeyInfo,
  type ServiceKeys,
} from '../service-keys/index.ts';
import type { Signer } from '../signer.ts';
import type { Channel } from './channel.ts';

const CACHE_SIZE = 10_000;
/** What a key is never changes; whether it is still there may be learned this much later. */
const CACHE_MS = 60_000;
/** Whoever asks for readiness gives up after two seconds, and should have heard why by then. */
const CHECK_MS = 1500;

interface Known {
  readonly info: ServiceKeyInfo;
  readonly until: number;
}

/** Service keys that another process holds. A signature is believed once the key that was asked for verifies it. */
export class RemoteServiceKeys implements ServiceKeys {
  readonly #channel: Channel;
  readonly #known = new Map<KeyId, Known>();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** @throws RemoteSignerError, ServiceKeyError */
  async create(gun: Gun, role: RoleName, algorithm: ServiceKeyAlgorithm): Promise<PublicKey> {
    const { keyInfo, publicKey } = await this.#channel.call(CREATE_KEY, { gun, role, algorithm }).catch(asUnstorable);
    const key = checkedKey(keyInfo, publicKey);
    if (key.type !== algorithm) throw badAnswer(`made a key of type ${quoteText(key.type, 40)}`);
    return key;
  }

  /** @throws RemoteSignerError */
  async signer(keyId: KeyId): Promise<Signer | undefined> {
    const info = await this.info(keyId);
    return info && { key: info.key, sign: (message) => this.#sign(keyId, info.key, message) };
  }

  /**
   * What the service says of a key. Notary's does not say for which repository it was made, nor whether it has signed.
   * @throws RemoteSignerError
   */
  async info(keyId: KeyId): Promise<ServiceKeyInfo | undefined> {
    const known = this.#known.get(keyId);
    if (known !== undefined && Date.now() < known.until) return known.info;
    const info = await this.#ask(keyId);
    this.#known.delete(keyId);
    if (info !== undefined) this.#keep(keyId, info);
    return info;
  }

  /** @throws RemoteSignerError */
  async remove(keyId: KeyId): Promise<void> {
    await this.#channel.call(DELETE_KEY, { id: keyId });
    this.#known.delete(keyId);
  }

  /** That the service is there and says that it works; within a second and a half. @throws RemoteSignerError */
  async check(): Promise<void> {
    const until = Date.now() + CHECK_MS;
    for (const service of HEALTH_SERVICES.slice(1)) {
      const { status } = await this.#channel.call(HEALTH_CHECK, { service }, until - Date.now());
      if (status !== ServingStatus.serving)
        throw new RemoteSignerError('unavailable', 'the signing service is not well');
    }
  }

  async close(): Promise<void> {
    this.#channel.close();
  }

  async #ask(id: KeyId): Promise<ServiceKeyInfo | undefined> {
    const answer = await this.#channel.call(GET_KEY_INFO, { id }).catch(undefinedWhereUnknown);
    if (answer === undefined) return undefined;
    const key = checkedKey(answer.keyInfo, answer.publicKey, id);
    try {
      return {
        key,
        gun: answer.gun === '' ? undefined : parseGun(answer.gun),
        role: answer.role === '' ? undefined : parseRoleName(answer.role),
        pending: answer.state === KeyState.untold ? undefined : answer.state === KeyState.pending,
      };
    } catch (cause) {
      if (!(cause instanceof MetadataError)) throw cause;
      throw badAnswer('named a role or repository that cannot be', cause);
    }
  }

  async #sign(keyId: KeyId, key: PublicKey, content: Uint8Array): Promise<Uint8Array> {
    const answer = await this.#channel.call(SIGN, { keyId: { id: keyId }, content }).catch(undefinedWhereUnknown);
    const known = this.#known.get(keyId);
    this.#known.delete(keyId);
    if (answer === undefined) throw new ServiceKeyError('not-found', `key ${keyId} was removed`);
    const signature = { keyId, method: SIGNATURE_METHODS[verifyingKey(key).algorithm], bytes: answer.content };
    if (!isSignatureValid(key, content, signature))
      throw badAnswer(`made a signature that key ${keyId} does not verify`);
    if (known !== undefined) this.#keep(keyId, { ...known.info, pending: false }, known.until);
    return new Uint8Array(answer.content);
  }

  #keep(keyId: KeyId, info: ServiceKeyInfo, until = Date.now() + CACHE_MS): void {
    this.#known.set(keyId, { info, until });
    const [oldest] = this.#known.keys();
    if (this.#known.size > CACHE_SIZE && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** The key of an answer. It must be the one that was asked for: else the service could have us sign with any. */
function checkedKey(info: KeyInfoMessage | undefined, bytes: Uint8Array, asked?: KeyId): PublicKey {
  const key = { type: info?.algorithm?.algorithm ?? '', bytes: new Uint8Array(bytes) };
  const id = canonicalIdOf(key);
  if (id === undefined || id !== keyIdOf(key)) throw badAnswer('named a key that is none');
  if (id !== info?.keyId?.id || (asked !== undefined && id !== asked)) throw badAnswer('named another key');
  verifyingKey(key);
  return key;
}

function badAnswer(what: string, cause?: unknown): RemoteSignerError {
  return new RemoteSignerError('bad-answer', `the signing service ${what}`, { cause });
}

/** Of all that a request for a key says, its name alone is not a server's own choice. */
function asUnstorable(cause: unknown): never {
  if (!(cause instanceof RemoteSignerError && cause.code === 'invalid')) throw cause;
  throw new ServiceKeyError('unstorable-name', cause.message, { cause });
}

function undefinedWhereUnknown(error: unknown): undefined {
  if (error instanceof RemoteSignerError && error.code === 'unknown') return undefined;
  throw error;
}
