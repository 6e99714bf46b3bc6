// SPDX-License-Identifier: Apache-2.0
import { rootCertificate, type Signer } from '../signing/index.ts';
import {
  canonicalIdOf,
  type Gun,
  type KeyId,
  MetadataError,
  type PublicKey,
  type RoleKeys,
  type Root,
  TARGETS,
  type TopLevelRole,
  withRoleKeys,
} from '../tuf/index.ts';
import type { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import type { SigningKeys } from './sign-role.ts';

/** The keys that a role is to have from now on, in place of all it had. */
export interface NewRoleKeys {
  readonly keys: readonly PublicKey[];
  /** Stays as it is where it is left out: fewer keys than that are refused, never taken for a lower threshold. */
  readonly threshold?: number;
}

/**
 * Gives a top-level role other keys: the root is signed by its old and its new keys, and what the role signed is signed
 * anew (reference 5.7). Clients that pinned the old root key follow the chain.
 * @throws MetadataError `bad-threshold`, `unknown-role`
 */
export function rotateRole(draft: Draft, role: TopLevelRole, now: Date, { keys, threshold }: NewRoleKeys): void {
  const old = draft.root.roles.get(role) as RoleKeys;
  draft.editRoot(now, (root) => withRoleKeys(root, role, keys, threshold ?? old.threshold));
  if (role === 'targets') draft.edit(TARGETS, now, (targets) => targets);
}

/** Certificates of root keys for a GUN, valid from now on for ten years. */
export function rootCertificatesFor(keys: readonly Signer[], gun: Gun, now: Date): Promise<readonly PublicKey[]> {
  return Promise.all(keys.map((key) => rootCertificate(key, gun, now)));
}

/**
 * New certificates around the same root keys, before the old ones expire: the key that users pinned stays.
 * @throws PublishError `no-signing-key` if a root key is not at hand; KeyStoreError
 */
export async function renewRootCertificates(draft: Draft, keys: SigningKeys, gun: Gun, now: Date): Promise<void> {
  const { keyIds } = draft.root.roles.get('root') as RoleKeys;
  const canonical = keyIds.map((id) => canonicalIdOf(draft.root.keys.get(id)));
  const stored = new Set((await keys.store.list()).keys.map(({ keyId }) => keyId));
  const absent = canonical.filter((id) => id === undefined || !stored.has(id));
  if (absent.length > 0) {
    throw new PublishError(
      'no-signing-key',
      `root keys ${absent.join(', ')} are not at hand: all are needed to renew their certificates`,
      {
        roles: [],
        keyIds: absent.filter((id) => id !== undefined),
      },
    );
  }
  const opened = await Promise.all(canonical.map((id) => keys.store.get(id as KeyId, keys.passphrases)));
  rotateRole(draft, 'root', now, { keys: await rootCertificatesFor(opened, gun, now) });
}

/** Which roles a server may sign for a publisher, and which it must. @throws MetadataError `unknown-role`, in Notary's words */
export function checkManagement(role: string, serverManaged: boolean): void {
  if (role === 'targets' && serverManaged)
    throw new MetadataError('unknown-role', 'notary does not permit the server managing the targets key');
  if (role === 'root' && serverManaged)
    throw new MetadataError('unknown-role', 'notary does not permit the server managing the root key');
  if (role === 'timestamp' && !serverManaged)
    throw new MetadataError('unknown-role', 'notary does not permit the client managing the timestamp key');
  if (!['root', 'targets', 'snapshot', 'timestamp'].includes(role)) {
    throw new MetadataError('unknown-role', `notary does not currently permit rotating the ${role} key`);
  }
}

/** The canonical IDs of the keys that a role has now. */
export function roleKeyIds(root: Root, role: TopLevelRole): readonly KeyId[] {
  return (root.roles.get(role)?.keyIds ?? []).flatMap((id) => canonicalIdOf(root.keys.get(id)) ?? []);
}
