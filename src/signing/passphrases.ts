// SPDX-License-Identifier: Apache-2.0
import type { KeyId } from '../tuf/index.ts';
import { KeyStoreError } from './errors.ts';

export interface PassphraseRequest {
  /** What people call the key: `root`, `repository`, or a signer's name. */
  readonly alias: string;
  /** The role header itself, for sources that tell targets and snapshot keys apart. */
  readonly role: string;
  readonly keyId: KeyId;
}

/** Where passphrases come from: the environment, a terminal, a file. */
export interface Passphrases {
  /**
   * The passphrase of an existing key; `attempt` counts from 0 and grows after a wrong one. `undefined` means that there
   * is none, or no other: then nobody is asked again.
   */
  existing(request: PassphraseRequest & { readonly attempt: number }): Promise<string | undefined>;
  /** The passphrase for a key that is being made. @throws KeyStoreError `no-passphrase` */
  created(request: PassphraseRequest): Promise<string>;
}

/** Docker calls the keys of one repository by one name (reference 10.2). */
export function keyAlias(role: string): string {
  return role === 'targets' || role === 'snapshot' ? 'repository' : role;
}

const MIN_BYTES = 8;

/** What is wrong with a new passphrase, in Docker's words; surrounding white space does not count. */
export function passphraseProblem(text: string): string | undefined {
  if (Buffer.byteLength(text.trim(), 'utf8') >= MIN_BYTES) return undefined;
  return 'Passphrase is too short. Please use a password manager to generate and store a good random passphrase.';
}

const NOTARY_VARIABLES: ReadonlyMap<string, string> = new Map([
  ['root', 'NOTARY_ROOT_PASSPHRASE'],
  ['targets', 'NOTARY_TARGETS_PASSPHRASE'],
  ['snapshot', 'NOTARY_SNAPSHOT_PASSPHRASE'],
]);

/** Passphrases of Docker's and Notary's variables; Docker's is tried first, then Notary's if it is another one. */
function fromEnvironment(env: Readonly<Record<string, string | undefined>>, role: string): string[] {
  const docker =
    role === 'root' ? 'DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE' : 'DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE';
  const notary = NOTARY_VARIABLES.get(role) ?? 'NOTARY_DELEGATION_PASSPHRASE';
  const found = [env[docker], env[notary]].filter((value) => value !== undefined && value !== '');
  return [...new Set(found as string[])];
}

/**
 * Passphrases of `env`. Where it has none for a role, `otherwise` is asked; where it has a wrong one, nobody is, so that
 * a script fails instead of waiting for an answer.
 */
export function environmentPassphrases(
  env: Readonly<Record<string, string | undefined>>,
  otherwise?: Passphrases,
): Passphrases {
  return {
    async existing(request) {
      const found = fromEnvironment(env, request.role);
      return found.length === 0 ? otherwise?.existing(request) : found[request.attempt];
    },
    async created(request) {
      const [found] = fromEnvironment(env, request.role);
      if (found !== undefined) return found;
      if (otherwise !== undefined) return otherwise.created(request);
      throw noPassphrase(request);
    },
  };
}

/** Nobody could be asked. */
export function noPassphrase(request: PassphraseRequest): KeyStoreError {
  const variable =
    request.role === 'root' ? 'DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE' : 'DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE';
  return new KeyStoreError(
    'no-passphrase',
    `no passphrase for ${request.alias} key ${request.keyId}: set ${variable}`,
    {
      keyId: request.keyId,
    },
  );
}
