// SPDX-License-Identifier: Apache-2.0
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { parseRepository } from '../../repository-name.ts';
import { table } from '../../table.ts';
import { changelistOf } from './staged-changes.ts';

/** `hallmark status REPOSITORY`: what the next publish would carry out, in its order. */
export async function status(context: CommandContext, repository: string): Promise<void> {
  const { io, globals, open } = context;
  const session = open(parseRepository(repository));
  const changes = changelistOf(context, session).list();
  if (globals.json) {
    const listed = changes.map(({ action, role, type, path }, number) => ({ number, action, role, type, path }));
    io.stdout.write(jsonText({ gun: session.gun, changes: listed }));
    return;
  }
  if (changes.length === 0) {
    io.stdout.write(`Nothing is staged for ${session.gun}\n`);
    return;
  }
  const rows = changes.map(({ action, role, type, path }, number) => [String(number), action, role, type, path]);
  io.stdout.write(table([['#', 'ACTION', 'ROLE', 'TYPE', 'TARGET'], ...rows]));
}
