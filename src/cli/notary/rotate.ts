// SPDX-License-Identifier: Apache-2.0
import {
  checkManagement,
  newKey,
  roleKeyIds,
  rootCertificatesFor,
  rotateRole,
  type ServerManagedRole,
} from '../../publisher/index.ts';
import type { StoredKey } from '../../signing/index.ts';
import { canonicalKeyId, type KeyId, type PublicKey, type TopLevelRole } from '../../tuf/index.ts';
import { type Call, required } from './command.ts';
import { takeKeyFile } from './private-key-file.ts';
import { NotaryRepository } from './repository.ts';
import { isConfirmed } from './terminal.ts';

/** `notary key rotate`: publishes the new keys of one role and nothing else; what is staged stays staged. */
export async function rotate(call: Call): Promise<void> {
  const [gun, role = ''] = required(call, 2, 'Must specify a GUN and a key role to rotate');
  const isServerManaged = call.flags.isOn('server-managed');
  const repository = new NotaryRepository(call, gun);
  if (call.flags.isGiven('legacy')) call.log.warn('--legacy has no effect: clients follow the chain of roots');
  const files = isServerManaged ? [] : call.flags.texts('key');
  if (role !== 'root') checkManagement(role, isServerManaged);
  const given: StoredKey[] = [];
  for (const file of files) given.push(await takeKeyFile(repository, file, role));
  if (role === 'root' && !(await isRootConfirmed(call))) return;
  checkManagement(role, isServerManaged);
  await publishRotation(repository, role as TopLevelRole, isServerManaged, given);
  call.say(`Successfully rotated ${role} key for repository ${gun}\n`);
}

async function isRootConfirmed({ io, say }: Call): Promise<boolean> {
  say('Warning: you are about to rotate your root key.\n\nYou must use your old key to sign this root rotation.\n');
  say('Are you sure you want to proceed?  (yes/no)  ');
  if (await isConfirmed(io)) return true;
  say('\nAborting action.\n');
  return false;
}

async function publishRotation(
  repository: NotaryRepository,
  role: TopLevelRole,
  isServerManaged: boolean,
  given: readonly StoredKey[],
): Promise<void> {
  let replaced: readonly KeyId[] = [];
  let next: readonly PublicKey[] | undefined;
  await repository.publisher(isServerManaged ? 'admin' : 'write').publish(async (draft, now) => {
    replaced = roleKeyIds(draft.root, role);
    // once only: a conflict must not make more keys
    next ??= isServerManaged
      ? [await repository.server('admin').rotateKey(repository.gun, role as ServerManagedRole)]
      : await certified(repository, role, await ownKeys(repository, role, given), now);
    rotateRole(draft, role, now, { keys: next });
  });
  await forgetReplaced(repository, role, replaced, next ?? []);
}

async function ownKeys(
  { keys, gun }: NotaryRepository,
  role: TopLevelRole,
  given: readonly StoredKey[],
): Promise<readonly StoredKey[]> {
  if (given.length > 0) return given;
  return [await (role === 'root' ? newKey(keys, role) : newKey(keys, role, gun))];
}

async function certified(
  { gun }: NotaryRepository,
  role: TopLevelRole,
  keys: readonly StoredKey[],
  now: Date,
): Promise<readonly PublicKey[]> {
  return role === 'root' ? rootCertificatesFor(keys, gun, now) : keys.map(({ key }) => key);
}

/** Only once the new key is published; former root keys stay, for clients that follow from them (reference 5.7). */
async function forgetReplaced(
  { keys }: NotaryRepository,
  role: TopLevelRole,
  replaced: readonly KeyId[],
  next: readonly PublicKey[],
): Promise<void> {
  if (role === 'root') return;
  const kept = next.map(canonicalKeyId);
  // what a token holds cannot be had back: its owner removes it
  const files = (await keys.store.list()).keys.filter(({ token }) => token === undefined).map(({ keyId }) => keyId);
  for (const keyId of replaced) if (!kept.includes(keyId) && files.includes(keyId)) await keys.store.remove(keyId);
}
