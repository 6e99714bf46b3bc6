// SPDX-License-Identifier: Apache-2.0
import type { Draft, Edit } from '../../../publisher/index.ts';
import { canonicalIdOf, type KeyId, parentRole, type RoleName } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { parseRepository } from '../../repository-name.ts';
import { UsageError } from '../../usage-error.ts';
import { refuseNew } from '../changelist/staged-changes.ts';
import { stageTo } from '../staging/stage.ts';

export interface StageOption {
  readonly stage?: string;
}

/** A delegation as it is after a change, with its keys by canonical ID. */
export interface DelegationState {
  readonly role: RoleName;
  readonly keys: readonly KeyId[];
  readonly threshold: number;
  readonly paths: readonly string[];
}

/** Publishes a change of delegations, or stages it, and tells what became of it. */
export async function change<T>(
  context: CommandContext,
  repository: string,
  { stage }: StageOption,
  edit: (...args: Parameters<Edit>) => T | Promise<T>,
  told: { readonly text: (result: T) => string; readonly json: (result: T) => object },
): Promise<void> {
  const { io, globals } = context;
  const session = context.open(parseRepository(repository));
  let result: { readonly value: T } | undefined;
  const keep: Edit = async (draft, now) => {
    result = { value: await edit(draft, now) };
  };
  if (stage !== undefined) {
    await stageTo(context, session, stage, keep);
    return;
  }
  const { roles } = await session.publisher(refuseNew(session)).publish(keep);
  if (result === undefined) throw new Error('published without an edit');
  if (globals.json) io.stdout.write(jsonText({ gun: session.gun, ...told.json(result.value), published: roles }));
  else io.stdout.write(told.text(result.value));
}

/** The delegation in a draft; undefined where its parent has none of that name. */
export function stateOf(draft: Draft, role: RoleName): DelegationState | undefined {
  const delegations = draft.targets(parentRole(role))?.delegations;
  const found = delegations?.roles.find(({ name }) => name === role);
  if (delegations === undefined || found === undefined) return undefined;
  const keys = found.keyIds.flatMap((id) => canonicalIdOf(delegations.keys.get(id)) ?? []);
  return { role, keys: [...new Set(keys)], threshold: found.threshold, paths: found.paths };
}

/** A whole number of at least 1. @throws UsageError */
export function parseThreshold(text: string | undefined): { readonly threshold?: number } {
  if (text === undefined) return {};
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new UsageError(`--threshold: ${text} is no number of signatures`);
  return { threshold: Number(text) };
}
