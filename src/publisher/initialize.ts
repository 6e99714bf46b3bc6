// SPDX-License-Identifier: Apache-2.0
import { keyAlias, PrivateKey, rootCertificate, type StoredKey } from '../signing/index.ts';
import {
  canonicalKeyId,
  type Dialect,
  firstRoot,
  firstTargets,
  type Gun,
  type KeyId,
  type PublicKey,
  ROOT,
  type Root,
  TARGETS,
  withRoleKeys,
} from '../tuf/index.ts';
import { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { addSignatures, completeFile, type SigningKeys } from './sign-role.ts';
import type { TrustServer } from './trust-server.ts';

export interface InitializeOptions {
  readonly gun: Gun;
  readonly dialect: Dialect;
  readonly keys: SigningKeys;
  readonly server: TrustServer;
  readonly now: Date;
  /** Root keys to take, by canonical ID; else the existing one with the lowest ID, else a new one. */
  readonly rootKeyIds?: readonly KeyId[];
  /** Certificates to publish the root keys under, in place of ones made here. */
  readonly rootCertificates?: readonly PublicKey[];
  /** Targets keys to take, by canonical ID; else the existing one of the repository, else a new one. */
  readonly targetsKeyIds?: readonly KeyId[];
  /** How many of the keys must sign; one unless said otherwise. */
  readonly thresholds?: { readonly root: number; readonly targets: number };
  /** Whether the publisher keeps the snapshot key, as the `notary` command does by default. */
  readonly clientSnapshot?: boolean;
  /** Called before a root key is made, with nothing written yet. */
  readonly onNewRootKey?: () => void;
}

/**
 * Makes what a first publish needs, as Docker does (reference 5.2, 10.3): the user's root key, made if there is none,
 * under a certificate for the GUN; a targets key of its own; timestamp and snapshot keys of the server.
 * @returns a draft of a repository that nobody published yet
 */
export async function initializeRepository(options: InitializeOptions): Promise<Draft> {
  const { dialect, keys, server, gun, now } = options;
  const rootKeys = await rootKeysOf(options);
  const targets = await targetsKeysOf(options);
  const snapshot = options.clientSnapshot ? (await repositoryKey(options, 'snapshot')).key : undefined;
  const timestamp = await server.key(gun, 'timestamp');
  const certificates = await certificatesOf(options, rootKeys);
  const first = firstRoot(
    {
      root: certificates,
      targets,
      snapshot: [snapshot ?? (await server.key(gun, 'snapshot'))],
      timestamp: [timestamp],
    },
    now,
  );
  const { root: needed, targets: neededTargets } = options.thresholds ?? { root: 1, targets: 1 };
  const root = withRoleKeys(withRoleKeys(first, 'root', certificates, needed), 'targets', targets, neededTargets);
  const unpublishedRoot = await signFirstRoot(dialect, keys, root);
  const draft = new Draft({ root, unpublishedRoot, targets: new Map(), refused: new Map() });
  draft.edit(TARGETS, now, () => firstTargets(now));
  return draft;
}

async function signFirstRoot(dialect: Dialect, keys: SigningKeys, root: Root): Promise<Uint8Array> {
  const role = root.roles.get('root') ?? { keyIds: [], threshold: 1 };
  const pending = {
    role: ROOT,
    kind: 'root' as const,
    signedBytes: dialect.encodeSigned(root),
    signatures: [],
    authorities: [{ keys: root.keys, role }],
  };
  return completeFile(dialect, await addSignatures(keys, pending));
}

async function rootKeysOf({ keys, rootKeyIds, onNewRootKey }: InitializeOptions): Promise<readonly StoredKey[]> {
  const wanted = rootKeyIds ?? (await storedKeys(keys, (key) => key.role === 'root')).slice(0, 1);
  if (wanted.length > 0) return Promise.all(wanted.map((keyId) => keys.store.get(keyId, keys.passphrases)));
  onNewRootKey?.();
  return [await newKey(keys, 'root')];
}

async function targetsKeysOf(options: InitializeOptions): Promise<readonly PublicKey[]> {
  const { keys, targetsKeyIds } = options;
  if (targetsKeyIds === undefined) return [(await repositoryKey(options, 'targets')).key];
  const opened = await Promise.all(targetsKeyIds.map((keyId) => keys.store.get(keyId, keys.passphrases)));
  return opened.map(({ key }) => key);
}

async function certificatesOf(
  { gun, now, rootCertificates }: InitializeOptions,
  rootKeys: readonly StoredKey[],
): Promise<readonly PublicKey[]> {
  if (rootCertificates === undefined) return Promise.all(rootKeys.map((key) => rootCertificate(key, gun, now)));
  const unmatched = rootCertificates.find(
    (certificate) => !rootKeys.some(({ keyId }) => keyId === canonicalKeyId(certificate)),
  );
  if (unmatched !== undefined)
    throw new PublishError('no-signing-key', 'cannot find matching private key id', {
      keyIds: [canonicalKeyId(unmatched)],
    });
  return rootCertificates;
}

/** A key that an earlier, failed attempt left behind is used again. */
async function repositoryKey({ gun, keys }: InitializeOptions, role: 'targets' | 'snapshot'): Promise<StoredKey> {
  const [existing] = await storedKeys(keys, (key) => key.role === role && key.gun === gun);
  return existing === undefined ? newKey(keys, role, gun) : keys.store.get(existing, keys.passphrases);
}

async function storedKeys(
  keys: SigningKeys,
  fits: (key: { role: string | undefined; gun: Gun | undefined }) => boolean,
): Promise<readonly KeyId[]> {
  const { keys: listed } = await keys.store.list();
  return listed
    .filter(fits)
    .map(({ keyId }) => keyId)
    .sort();
}

/** Makes a key, asks for its passphrase, and stores it. @throws KeyStoreError */
export async function newKey(keys: SigningKeys, role: string, gun?: Gun): Promise<PrivateKey> {
  const key = PrivateKey.generate();
  const passphrase = await keys.passphrases.created({ alias: keyAlias(role), role, keyId: key.keyId });
  await keys.store.add(key, { role, gun }, passphrase);
  return key;
}
