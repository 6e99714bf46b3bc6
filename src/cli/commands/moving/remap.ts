// SPDX-License-Identifier: Apache-2.0
import type { TrustedRepository } from '../../../client/index.ts';
import {
  carryOver,
  differingTags,
  initializeRepository,
  PublishError,
  planRemap,
  type RemapPlan,
} from '../../../publisher/index.ts';
import { notaryV1, VerificationError } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { parseRepository } from '../../repository-name.ts';
import type { Session } from '../../session.ts';
import { TrustView } from '../../trust-view.ts';
import { UsageError } from '../../usage-error.ts';

export interface RemapOptions {
  readonly from?: string;
  readonly dryRun?: boolean;
}

/**
 * `hallmark remap OLD NEW`: a repository anew under another name, as when a registry's host changes. Signed with the same
 * keys; what delegates signed and nobody here can sign is told, and left to them.
 */
export async function remap(context: CommandContext, from: string, to: string, options: RemapOptions): Promise<void> {
  const { io, globals } = context;
  const session = context.open(parseRepository(to));
  const oldOptions = options.from === undefined ? globals : { ...globals, server: options.from };
  const view = new TrustView(io, oldOptions, parseRepository(from));
  if (view.gun === session.gun) throw new UsageError(`${from} and ${to} are one repository`);
  const old = await view.refreshToRenew(true);
  const plan = await planRemap(old, session.keys);
  await requireNew(session);
  const isDry = options.dryRun === true;
  if (!isDry) await publish(session, old, plan, () => io.now());
  if (globals.json) io.stdout.write(jsonText({ dryRun: isDry, old: view.gun, new: session.gun, ...plan }));
  else io.stdout.write(words(view.gun, session.gun, old, plan, isDry));
  io.stderr.write(consequences(view.gun, session.gun, plan));
}

/** @throws PublishError if the new name has trust data */
async function requireNew(session: Session): Promise<void> {
  try {
    await session.refreshToRenew(true);
  } catch (error) {
    if (error instanceof VerificationError && error.code === 'unsigned' && error.role === 'root') return;
    throw error;
  }
  throw new PublishError('rejected', `${session.gun} has trust data already: nothing was changed`);
}

/** Verified before it is sent, as every publication, and afterwards as whoever reads it. */
async function publish(session: Session, old: TrustedRepository, plan: RemapPlan, clock: () => Date): Promise<void> {
  const { gun, keys } = session;
  const initialize = () =>
    initializeRepository({
      gun,
      dialect: notaryV1,
      keys,
      server: session.trustServer(),
      now: clock(),
      rootKeyIds: plan.rootKeyIds,
      thresholds: plan.thresholds,
      ...(plan.targetsKeyIds === undefined ? {} : { targetsKeyIds: plan.targetsKeyIds }),
    });
  await session.publisher(initialize).publish((draft, now) => carryOver(draft, old, plan, now));
  const differing = differingTags(old, await session.refresh('pull,push'), plan);
  if (differing.length > 0)
    throw new PublishError('incomplete', `${gun} holds other tags than it should: ${differing.join(', ')}`);
}

function words(from: string, to: string, { targets }: TrustedRepository, plan: RemapPlan, isDry: boolean): string {
  const lines = plan.signed.map((role) => {
    const count = (targets.roles.get(role)?.signed.targets.size ?? 0) - (role === 'targets' ? plan.withheld.length : 0);
    return `  ${role}: ${count} ${count === 1 ? 'tag' : 'tags'}`;
  });
  return [`${from} ${isDry ? 'would be signed' : 'is signed'} as ${to}:`, ...lines, ''].join('\n');
}

function consequences(from: string, to: string, plan: RemapPlan): string {
  const lines = plan.unsigned.map(({ role, keyIds, tags }) => {
    const what = tags.length === 0 ? 'it holds no tags' : `tags ${tags.join(', ')}`;
    return `${role} is not signed: no key of ${keyIds.map((id) => id.slice(0, 12)).join(', ')} is at hand (${what}). Its signer signs again: hallmark sign ${to}:TAG --role ${role}; or the owner does, with --role targets`;
  });
  if (plan.withheld.length > 0)
    lines.push(`left out of targets, since targets/releases overrules them: ${plan.withheld.join(', ')}`);
  if (plan.rootKeysAbsent.length > 0)
    lines.push(`root keys that are not at hand are no root keys of ${to}: ${plan.rootKeysAbsent.join(', ')}`);
  if (plan.targetsKeyIds === undefined) lines.push(`the targets key of ${from} is not at hand: ${to} gets a new one`);
  lines.push(
    `Pins of root keys go on to fit, once they name ${to}: hallmark pin add ${to}. Pins of certificates, and what clients`,
    `trusted on first use as ${from}, do not: for them ${to} is new. A policy can go on to judge it as ${from} (identity).`,
  );
  return `${lines.join('\n')}\n`;
}
