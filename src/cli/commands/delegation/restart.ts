// SPDX-License-Identifier: Apache-2.0
import { PublishError } from '../../../publisher/index.ts';
import { notaryV1, parseRoleName } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { change, type StageOption } from './change.ts';

/**
 * `hallmark delegation restart`: the next version of a delegation whose file its present keys did not sign, with nothing
 * in it. A witness would take over what may be a thief's.
 */
export async function restart(
  context: CommandContext,
  repository: string,
  name: string,
  options: StageOption,
): Promise<void> {
  const role = parseRoleName(name);
  await change(
    context,
    repository,
    options,
    (draft, now) => {
      if (draft.targets(role) !== undefined)
        throw new PublishError('not-signed', `${role} is signed by its keys: revoke what it is not to sign`);
      if (!draft.witness(role, notaryV1, now))
        throw new PublishError('not-signed', `${role} has never been signed: sign something with its key`);
      draft.edit(role, now, (targets) => ({
        ...targets,
        targets: new Map(),
        delegations: { keys: new Map(), roles: [] },
      }));
    },
    { text: () => `Delegation ${role} starts anew, with nothing signed\n`, json: () => ({ role }) },
  );
}
