// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs';
import { applyChanges } from '../../../publisher/index.ts';
import { notaryV1 } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { parseRepository } from '../../repository-name.ts';
import { UsageError } from '../../usage-error.ts';
import { publishStaged } from './publish-staged.ts';
import { changelistOf, refuseNew } from './staged-changes.ts';

/** `hallmark publish REPOSITORY|FILE`: what is staged in the trust directory, or a staged file. */
export async function publish(context: CommandContext, name: string): Promise<void> {
  if (statSync(name, { throwIfNoEntry: false })?.isFile()) return publishStaged(context, name);
  const { io, globals, open } = context;
  const session = open(parseRepository(name));
  const changelist = changelistOf(context, session);
  const changes = changelist.list();
  if (changes.length === 0) throw new UsageError(`nothing is staged for ${session.gun}, and there is no file ${name}`);
  const { roles } = await session
    .publisher(refuseNew(session))
    .publish((draft, now) => applyChanges(draft, changes, { dialect: notaryV1, keys: session.keys, now }));
  changelist.remove(changes.map(({ file }) => file));
  if (globals.json) io.stdout.write(jsonText({ gun: session.gun, changes: changes.length, published: roles }));
  else if (roles.length === 0) io.stdout.write(`Nothing to publish: ${session.gun} is as the staged changes want it\n`);
  else
    io.stdout.write(
      `Published ${changes.length} change${changes.length === 1 ? '' : 's'} of ${session.gun}: ${roles.join(', ')}\n`,
    );
}
