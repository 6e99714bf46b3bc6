// SPDX-License-Identifier: Apache-2.0
import { witnessing } from '../../../publisher/index.ts';
import { isDelegationName, TARGETS } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { parseRepository } from '../../repository-name.ts';
import { UsageError } from '../../usage-error.ts';
import { changelistOf } from './staged-changes.ts';

/** `hallmark witness REPOSITORY ROLE…`: stages that these roles are signed anew as they are. */
export async function witness(context: CommandContext, repository: string, roles: readonly string[]): Promise<void> {
  const { io, globals, open } = context;
  const bad = roles.find((role) => role !== TARGETS && !isDelegationName(role));
  if (bad !== undefined) throw new UsageError(`${bad} cannot be witnessed: name targets or a delegation`);
  const session = open(parseRepository(repository));
  const changelist = changelistOf(context, session);
  for (const role of roles) changelist.add(witnessing(role), io.now());
  if (globals.json) io.stdout.write(jsonText({ gun: session.gun, staged: roles }));
  else io.stdout.write(`Staged for the next publish of ${session.gun}: sign ${roles.join(', ')} anew\n`);
}
