// SPDX-License-Identifier: Apache-2.0
import { keyAlias, PrivateKey, rootCertificate } from '../signing/index.ts';
import {
  type Dialect,
  firstRoot,
  firstTargets,
  type Gun,
  type KeyId,
  ROOT,
  type Root,
  type Targets,
} from '../tuf/index.ts';
import { type SigningKeys, signRole } from './sign-role.ts';
import type { TrustServer } from './trust-server.ts';

/** A repository that nobody published yet: its signed root, and targets to be edited and signed. */
export interface NewRepository {
  readonly root: Root;
  readonly rootFile: Uint8Array;
  readonly targets: Targets;
}

export interface InitializeOptions {
  readonly gun: Gun;
  readonly dialect: Dialect;
  readonly keys: SigningKeys;
  readonly server: TrustServer;
  readonly now: Date;
  /** Called before a root key is made, with nothing written yet. */
  readonly onNewRootKey?: () => void;
}

/**
 * Makes what a first publish needs, as Docker does (reference 5.2, 10.3): the user's root key, made if there is none,
 * under a certificate for the GUN; a targets key of its own; timestamp and snapshot keys of the server.
 */
export async function initializeRepository(options: InitializeOptions): Promise<NewRepository> {
  const { gun, dialect, keys, server, now } = options;
  const rootKey = await rootKeyOf(options);
  const targetsKey = await targetsKeyOf(options);
  const timestamp = await server.key(gun, 'timestamp');
  const snapshot = await server.key(gun, 'snapshot');
  const certificate = await rootCertificate(rootKey, gun, now);
  const root = firstRoot(
    { root: [certificate], targets: [targetsKey.key], snapshot: [snapshot], timestamp: [timestamp] },
    now,
  );
  const authority = { keyIds: root.roles.get('root')?.keyIds ?? [], threshold: 1 };
  const rootFile = await signRole(dialect, keys, ROOT, root, root.keys, authority);
  return { root, rootFile, targets: firstTargets(now) };
}

/** The existing root key with the lowest ID, as Docker takes it, or a new one. */
async function rootKeyOf({ keys, onNewRootKey }: InitializeOptions): Promise<PrivateKey> {
  const [existing] = await storedKeys(keys, (key) => key.role === 'root');
  if (existing !== undefined) return keys.store.get(existing, keys.passphrases);
  onNewRootKey?.();
  return newKey(keys, 'root');
}

/** A targets key that an earlier, failed attempt left behind is used again. */
async function targetsKeyOf({ gun, keys }: InitializeOptions): Promise<PrivateKey> {
  const [existing] = await storedKeys(keys, (key) => key.role === 'targets' && key.gun === gun);
  return existing === undefined ? newKey(keys, 'targets', gun) : keys.store.get(existing, keys.passphrases);
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

async function newKey(keys: SigningKeys, role: string, gun?: Gun): Promise<PrivateKey> {
  const key = PrivateKey.generate();
  const passphrase = await keys.passphrases.created({ alias: keyAlias(role), role, keyId: key.keyId });
  await keys.store.add(key, { role, gun }, passphrase);
  return key;
}
