// SPDX-License-Identifier: Apache-2.0
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { parseRepository } from '../../repository-name.ts';
import { UsageError } from '../../usage-error.ts';
import { changelistOf } from './staged-changes.ts';

/** `hallmark reset REPOSITORY`: drops staged changes; nothing that is published changes. */
export async function reset(
  context: CommandContext,
  repository: string,
  options: { readonly all?: boolean; readonly number?: readonly string[] },
): Promise<void> {
  const { io, globals, open } = context;
  const session = open(parseRepository(repository));
  const changelist = changelistOf(context, session);
  const files = changelist.files();
  const dropped = options.all === true ? files : (options.number ?? []).map((text) => fileOf(files, text));
  if (options.all !== true && dropped.length === 0) throw new UsageError('give --all, or the changes with -n');
  changelist.remove(dropped);
  if (globals.json) io.stdout.write(jsonText({ gun: session.gun, dropped: dropped.length }));
  else io.stdout.write(`Dropped ${dropped.length} of ${files.length} staged changes of ${session.gun}\n`);
}

function fileOf(files: readonly string[], text: string): string {
  const file = /^\d{1,6}$/.test(text) ? files[Number(text)] : undefined;
  if (file === undefined) throw new UsageError(`-n: there is no staged change ${text}`);
  return file;
}
