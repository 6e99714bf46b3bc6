// SPDX-License-Identifier: Apache-2.0
import { PublishError, roleKeyIds, type SigningKeys } from '../../../publisher/index.ts';
import type { KeyId, Root, TopLevelRole } from '../../../tuf/index.ts';
import type { Session } from '../../session.ts';

export interface RotateOptions {
  readonly serverManaged?: boolean;
  readonly key?: readonly string[];
  readonly threshold?: string;
  readonly keepOld?: boolean;
  /** Where to write the signed change for others to sign, instead of publishing it. */
  readonly stage?: string;
}

/** What a rotation changed. */
export interface Rotation {
  readonly before: readonly KeyId[];
  readonly after: readonly KeyId[];
  readonly threshold: number;
  readonly rootVersion: number;
}

/** Every rotation is a new root: without its signers at hand no key is made, here or at the server. @throws PublishError */
export async function checkRootSigners({ keys: { store } }: Session, root: Root): Promise<void> {
  const needed = root.roles.get('root')?.threshold ?? 1;
  const wanted = roleKeyIds(root, 'root');
  const stored = new Set((await store.list()).keys.map(({ keyId }) => keyId));
  if (wanted.filter((keyId) => stored.has(keyId)).length >= needed) return;
  const which =
    wanted.length === 1 ? `root key ${wanted[0]} is` : `${needed} of the root keys ${wanted.join(', ')} are`;
  throw new PublishError('no-signing-key', `${which} needed to rotate a key, and not at hand`, { keyIds: wanted });
}

/** Replaced keys of one repository serve nothing any more; root keys may still be another repository's. */
export async function removeReplaced(
  { store }: SigningKeys,
  { gun }: Session,
  role: TopLevelRole,
  { before, after }: Rotation,
): Promise<readonly KeyId[]> {
  if (role === 'root') return [];
  const { keys } = await store.list();
  const replaced = keys.filter(
    (key) => before.includes(key.keyId) && !after.includes(key.keyId) && key.token === undefined,
  );
  const removed: KeyId[] = [];
  for (const key of replaced) {
    if (key.gun !== gun || key.role !== role) continue;
    await store.remove(key.keyId);
    removed.push(key.keyId);
  }
  return removed;
}
