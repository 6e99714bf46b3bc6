// SPDX-License-Identifier: Apache-2.0
import { changeDelegation, type Draft, removeDelegation } from '../../../publisher/index.ts';
import { type KeyId, MetadataError, parentRole, parseRoleName, type RoleName } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { confirm, isTerminal } from '../../prompts.ts';
import { UsageError } from '../../usage-error.ts';
import { pathText } from '../staging/staged-words.ts';
import { change, parseThreshold, type StageOption, stateOf } from './change.ts';

export interface RemoveOptions extends StageOption {
  readonly path?: readonly string[];
  readonly threshold?: string;
  readonly yes?: boolean;
}

/** `hallmark delegation remove`: takes the given keys and paths from a delegation, or removes it where none is given. */
export async function remove(
  context: CommandContext,
  repository: string,
  name: string,
  keyIds: readonly string[],
  options: RemoveOptions,
): Promise<void> {
  const role = parseRoleName(name);
  const removePaths = options.path ?? [];
  const threshold = parseThreshold(options.threshold);
  if (keyIds.length === 0 && removePaths.length === 0 && threshold.threshold === undefined)
    return removeWhole(context, repository, role, options);
  await change(
    context,
    repository,
    options,
    (draft, now) => {
      const removeKeys = keyIds.map((text) => keyOf(draft, role, text));
      const missing = removePaths.find((path) => !(stateOf(draft, role)?.paths ?? []).includes(path));
      if (missing !== undefined) throw new MetadataError('outside-paths', `${role} has no path ${pathText(missing)}`);
      changeDelegation(draft, role, now, { removeKeys, removePaths, ...threshold });
      return { removed: removeKeys, left: stateOf(draft, role) };
    },
    {
      text: ({ removed, left }) => {
        const lines = [
          ...removed.map((id) => `  - key ${id}\n`),
          ...removePaths.map((p) => `  - path ${pathText(p)}\n`),
        ];
        const state = `${left?.threshold} of ${left?.keys.length} keys must sign`;
        const unusable =
          left?.keys.length === 0 ? '  without keys nobody can sign for it until it is given some\n' : '';
        return `Delegation ${role}: ${state}\n${lines.join('')}${unusable}`;
      },
      json: ({ removed, left }) => ({ ...left, removed, removedPaths: removePaths }),
    },
  );
}

async function removeWhole(
  context: CommandContext,
  repository: string,
  role: RoleName,
  options: RemoveOptions,
): Promise<void> {
  await requireConsent(context, role, options);
  await change(
    context,
    repository,
    options,
    (draft, now) => {
      const state = stateOf(draft, role);
      if (state === undefined)
        throw new MetadataError('unknown-role', `${role} is no delegation of ${parentRole(role)}`);
      removeDelegation(draft, role, now);
      return state;
    },
    { text: () => `Delegation ${role} is removed, with all that it signed\n`, json: () => ({ role, removed: true }) },
  );
}

async function requireConsent({ io }: CommandContext, role: RoleName, { yes, stage }: RemoveOptions): Promise<void> {
  if (yes === true || stage !== undefined) return;
  if (!isTerminal(io)) throw new UsageError(`no terminal to ask on: give --yes to remove all of ${role}`);
  if (!(await confirm(io, `Remove ${role} with all its keys, paths and signatures?`)))
    throw new UsageError('nothing was removed');
}

const MIN_PREFIX = 7;

/** A key of the role by its ID or a beginning of it that is unique. @throws UsageError, MetadataError */
function keyOf(draft: Draft, role: RoleName, text: string): KeyId {
  if (!/^[0-9a-f]{1,64}$/.test(text) || text.length < MIN_PREFIX)
    throw new UsageError(`${text} is no key ID: give at least ${MIN_PREFIX} of its hex digits`);
  const found = stateOf(draft, role)?.keys.filter((id) => id.startsWith(text)) ?? [];
  const [only] = found;
  if (only === undefined) throw new MetadataError('unknown-role', `${role} has no key ${text}`);
  if (found.length > 1) throw new UsageError(`${text} is the beginning of several keys of ${role}`);
  return only;
}
