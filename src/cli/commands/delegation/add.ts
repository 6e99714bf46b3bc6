// SPDX-License-Identifier: Apache-2.0
import { changeDelegation } from '../../../publisher/index.ts';
import { canonicalKeyId, parseRoleName } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { readPublicKeys } from '../../public-key-files.ts';
import { UsageError } from '../../usage-error.ts';
import { pathText } from '../staging/staged-words.ts';
import { change, type DelegationState, parseThreshold, type StageOption, stateOf } from './change.ts';

export interface AddOptions extends StageOption {
  readonly path?: readonly string[];
  readonly allPaths?: boolean;
  readonly threshold?: string;
}

/** `hallmark delegation add`: makes a delegation, or gives it keys, paths or another threshold. */
export async function add(
  context: CommandContext,
  repository: string,
  name: string,
  files: readonly string[],
  options: AddOptions,
): Promise<void> {
  const role = parseRoleName(name);
  const addKeys = await readPublicKeys(files, context.io.now());
  const addPaths = [...(options.allPaths === true ? [''] : []), ...(options.path ?? [])];
  const asked = { addKeys, addPaths, ...parseThreshold(options.threshold) };
  if (addKeys.length === 0 && addPaths.length === 0 && asked.threshold === undefined)
    throw new UsageError('nothing to add: give key files, --path, --all-paths or --threshold');
  const added = addKeys.map(canonicalKeyId);
  await change(
    context,
    repository,
    options,
    (draft, now) => {
      if (stateOf(draft, role) === undefined && (addKeys.length === 0 || addPaths.length === 0))
        throw new UsageError(`${role} is new: give key files, and --path or --all-paths`);
      changeDelegation(draft, role, now, asked);
      return stateOf(draft, role) as DelegationState;
    },
    {
      text: (state) => `${describe(state)}${added.map((id) => `  + key ${id}\n`).join('')}`,
      json: (state) => ({ ...state, added }),
    },
  );
}

function describe({ role, keys, threshold, paths }: DelegationState): string {
  const signs = paths.length === 0 ? 'no paths' : paths.map(pathText).join(', ');
  return `Delegation ${role}: ${threshold} of ${keys.length} keys must sign, paths ${signs}\n`;
}
