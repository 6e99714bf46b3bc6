// SPDX-License-Identifier: Apache-2.0
import {
  type Change,
  delegationAdditions,
  delegationReductions,
  delegationRemoval,
  keyPurge,
} from '../../publisher/index.ts';
import {
  allDelegations,
  canonicalIdOf,
  type Delegation,
  isDelegationName,
  parentRole,
  type TargetsByRole,
} from '../../tuf/index.ts';
import { autoPublish } from './collection.ts';
import { type Call, required } from './command.ts';
import { NotaryError, NotaryUsageError } from './errors.ts';
import { fatalText } from './fatal.ts';
import { readPublicKeyFile } from './public-key-file.ts';
import { NotaryRepository } from './repository.ts';
import { notaryTable, shownPaths } from './tables.ts';
import { isConfirmed } from './terminal.ts';

/** `notary delegation add` */
export async function add(call: Call): Promise<void> {
  const lacking =
    'must specify the Global Unique Name and the role of the delegation along with the public key certificate paths and/or a list of paths to add';
  const [gun, role = '', ...files] = required(call, 2, lacking);
  const { isGiven, isAll, paths } = pathsOf(call);
  if (files.length === 0 && !isGiven) throw new NotaryUsageError(lacking);
  const keys = files.map((file) => readPublicKeyFile(file, call.io.now()));
  if (!isDelegationName(role))
    throw new NotaryError(`failed to create delegation: tuf: invalid role ${role}. invalid delegation role name`);
  const signed = isAll ? [''] : paths;
  const repository = stage(call, gun, delegationAdditions(role, keys, signed));
  const added = [
    ...(keys.length > 0 ? [`with keys [${keys.map(canonicalIdOf).join(' ')}], `] : []),
    ...(isGiven ? [`with paths [${shownPaths(signed).join('\n')}], `] : []),
  ];
  call.say(
    `\nAddition of delegation role ${role} ${added.join('')}to repository "${gun}" staged for next publish.\n\n`,
  );
  await autoPublish(call, repository);
}

/** `notary delegation remove` */
export async function remove(call: Call): Promise<void> {
  const lacking =
    'must specify the Global Unique Name and the role of the delegation along with optional keyIDs and/or a list of paths to remove';
  const [gun, role = '', ...keyIds] = required(call, 2, lacking);
  if (!isDelegationName(role)) throw new NotaryError(`invalid delegation name ${role}`);
  const { isGiven, isAll, paths } = pathsOf(call);
  const isWhole = keyIds.length === 0 && !isGiven;
  if (isWhole) await confirmRemoval(call);
  const changes = isWhole ? [delegationRemoval(role)] : delegationReductions(role, keyIds, isAll ? 'all' : paths);
  const repository = stage(call, gun, changes);
  const removed = [
    ...(keyIds.length > 0 ? [`with keys [${keyIds.join(' ')}], `] : []),
    ...(isAll ? ['with all paths, '] : isGiven ? [`with paths [${shownPaths(paths).join('\n')}], `] : []),
  ];
  call.say(
    isWhole
      ? `\nForced removal (including all keys and paths) of delegation role ${role} to repository "${gun}" staged for next publish.\n\n`
      : `\nRemoval of delegation role ${role} ${removed.join('')}to repository "${gun}" staged for next publish.\n\n`,
  );
  await autoPublish(call, repository);
}

async function confirmRemoval({ io, flags, say }: Call): Promise<void> {
  say('\nAre you sure you want to remove all data for this delegation? (yes/no)');
  if (!flags.isOn('yes') && !(await isConfirmed(io))) throw new NotaryError('Aborting action.');
  say(flags.isOn('yes') ? '\nConfirmed `yes` from flag\n' : '\n');
}

/** `notary delegation purge` */
export async function purge(call: Call): Promise<void> {
  const [gun] = required(call, 1, 'Please provide a GUN');
  const keyIds = call.flags.texts('key');
  if (keyIds.length === 0)
    throw new NotaryUsageError('Please provide at least one key ID to be removed using the --key flag');
  const repository = stage(call, gun, [keyPurge(keyIds)]);
  const listed = keyIds.map((id) => `\t- ${id}\n`).join('');
  call.say(`Removal of the following keys from all delegations in ${gun} staged for next publish:\n${listed}`);
  await autoPublish(call, repository);
}

/** `notary delegation list` */
export async function list(call: Call): Promise<void> {
  const [gun] = required(call, 1, 'Please provide a Global Unique Name as an argument to list');
  const roles = await loadedRoles(call, gun);
  const delegations = [...allDelegations(roles)].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (delegations.length === 0) {
    call.say('\n\nNo delegations present in this repository.\n\n\n');
    return;
  }
  const rows = delegations.flatMap((delegation) => rowsOf(delegation, keyIdsOf(roles, delegation)));
  call.say(`\n${notaryTable(['ROLE', 'PATHS', 'KEY IDS', 'THRESHOLD'], rows)}\n`);
}

async function loadedRoles(call: Call, gun: string): Promise<TargetsByRole> {
  try {
    return (await new NotaryRepository(call, gun).read()).targets.roles;
  } catch (cause) {
    const reason = fatalText(cause, { server: call.settings.server, gun, log: call.log });
    throw new NotaryError(`Error retrieving delegation roles for repository ${gun}: ${reason}`, { cause });
  }
}

/** One path and one key a line, the role on the first. */
function rowsOf({ name, paths, threshold }: Delegation, keyIds: readonly string[]): readonly (readonly string[])[] {
  const shown = shownPaths(paths);
  const lines = Math.max(shown.length, keyIds.length, 1);
  return Array.from({ length: lines }, (_, line) => [
    line === 0 ? name : '',
    shown[line] ?? '',
    keyIds[line] ?? '',
    line === 0 ? String(threshold) : '',
  ]);
}

/** Canonical IDs, by which people know keys; one that cannot be used goes by its ID in the metadata. */
function keyIdsOf(roles: TargetsByRole, { name, keyIds }: Delegation): readonly string[] {
  const keys = roles.get(parentRole(name))?.signed.delegations.keys;
  return keyIds.map((id) => canonicalIdOf(keys?.get(id)) ?? id).sort();
}

function pathsOf({ flags }: Call): { isGiven: boolean; isAll: boolean; paths: readonly string[] } {
  const isAll = flags.isOn('all-paths');
  return { isGiven: isAll || flags.isGiven('paths'), isAll, paths: [...flags.texts('paths')].sort() };
}

function stage(call: Call, gun: string, changes: readonly Change[]): NotaryRepository {
  const repository = new NotaryRepository(call, gun);
  for (const change of changes) repository.changelist.add(change, call.io.now());
  return repository;
}
