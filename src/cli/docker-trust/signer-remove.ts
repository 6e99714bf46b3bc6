// SPDX-License-Identifier: Apache-2.0
import type { TrustedRepository } from '../../client/index.ts';
import { changeDelegation, type Draft, removeDelegation } from '../../publisher/index.ts';
import {
  canonicalIdOf,
  countSignatures,
  type Delegations,
  type KeyId,
  type RoleName,
  TARGETS,
} from '../../tuf/index.ts';
import type { Session } from '../session.ts';
import type { TrustCommandAction, TrustContext } from './context.ts';
import { reasonOf, TrustCommandError, wrapped } from './errors.ts';
import { existingRepository, noTrustData, refuseNewRepository } from './repository.ts';
import { forEachRepository, RELEASES, signerRole } from './signers.ts';

/**
 * `docker trust signer remove`. It removes the signer: Docker does since 26.0 only after a question that it seldom asks,
 * and never with `--force`. Also one that never signed is removed, where Docker wants something signed first. Keys that
 * another signer has too stay in `targets/releases`; with its last key that role goes, instead of staying for nobody to
 * sign, which ends every later push.
 */
export const signerRemove: TrustCommandAction = async (context, [name = '', ...repositories], { flags }) => {
  await forEachRepository(context, repositories, 'error removing signer from', async (repository) => {
    context.io.stdout.write(`Removing signer "${name}" from ${repository}...\n`);
    if (name === 'releases') throw new TrustCommandError('releases is a reserved keyword and cannot be removed');
    await removeFrom(context, repository, name, flags.has('force'));
  });
};

async function removeFrom(context: TrustContext, repository: string, name: string, force: boolean): Promise<void> {
  const { io, questions, open } = context;
  const { session } = open(repository);
  const role = signerRole(name);
  const current = await signersOf(session, repository);
  const delegations = current.targets.roles.get(TARGETS)?.signed.delegations;
  if (delegations === undefined || !delegations.roles.some((signer) => signer.name === role))
    throw new TrustCommandError(`no signer ${name} for repository ${repository}`);
  if (!force && makesUnpullable(current, delegations, role) && !(await questions.confirm(question(name, repository))))
    return;
  try {
    await session.publisher(refuseNewRepository(session)).publish((draft, now) => removeSigner(draft, role, now));
  } catch (error) {
    const { message, hint } = reasonOf(error, session.gun);
    throw new TrustCommandError(message, { hint, cause: error });
  }
  io.stdout.write(`Successfully removed ${name} from ${repository}\n\n`);
}

async function signersOf(session: Session, repository: string): Promise<TrustedRepository> {
  try {
    const current = await existingRepository(session);
    if (current === undefined) throw noTrustData(session);
    return current;
  } catch (error) {
    throw wrapped(`error retrieving signers for ${repository}`, error, session.gun);
  }
}

function question(name: string, repository: string): string {
  return `The signer "${name}" signed the last released version of ${repository}. Removing this signer will make ${repository} unpullable. Are you sure you want to continue?`;
}

/** Whether the release would not be signed by enough keys any more. */
function makesUnpullable({ targets }: TrustedRepository, delegations: Delegations, role: RoleName): boolean {
  const file = targets.roles.get(RELEASES);
  const releases = delegations.roles.find(({ name }) => name === RELEASES);
  // what releases nothing cannot become unpullable
  if (file === undefined || releases === undefined || file.signed.targets.size === 0) return false;
  const { signed, threshold } = countSignatures(file.envelope, delegations.keys, releases);
  const lost = ownKeys(delegations, role);
  return signed.filter((id) => !lost.includes(canonicalIdIn(delegations, id))).length < threshold;
}

function removeSigner(draft: Draft, role: RoleName, now: Date): void {
  const delegations = draft.targets(TARGETS)?.delegations;
  if (delegations === undefined) return;
  const lost = ownKeys(delegations, role);
  const releases = delegations.roles.find(({ name }) => name === RELEASES);
  removeDelegation(draft, role, now);
  if (releases === undefined) return;
  if (releases.keyIds.every((id) => lost.includes(canonicalIdIn(delegations, id))))
    removeDelegation(draft, RELEASES, now);
  else if (lost.length > 0) changeDelegation(draft, RELEASES, now, { removeKeys: lost });
}

/** Canonical IDs of the keys that this signer has and no other. */
function ownKeys(delegations: Delegations, role: RoleName): readonly KeyId[] {
  const keysOf = (fits: (name: RoleName) => boolean) =>
    delegations.roles
      .filter(({ name }) => fits(name))
      .flatMap(({ keyIds }) => keyIds.map((id) => canonicalIdIn(delegations, id)));
  const others = keysOf((name) => name !== role && name !== RELEASES);
  return keysOf((name) => name === role).filter((id) => !others.includes(id));
}

function canonicalIdIn({ keys }: Delegations, id: KeyId): KeyId {
  return canonicalIdOf(keys.get(id)) ?? id;
}
