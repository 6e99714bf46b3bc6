// SPDX-License-Identifier: Apache-2.0
import type { Edit, Staged } from '../../../publisher/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import type { Session } from '../../session.ts';
import { createStagedFile } from './staged-file.ts';
import { nextStep, reviewJson, reviewText } from './staged-words.ts';

/** Writes what `edit` makes of the repository, signed by the user's keys, into a new file; nothing is published. */
export async function stageTo(
  { io, globals }: CommandContext,
  session: Session,
  path: string,
  edit: Edit,
): Promise<Staged> {
  const staged = await session.publisher().staging.stage(edit);
  await createStagedFile(path, staged.update);
  if (globals.json) {
    io.stdout.write(jsonText({ file: path, ...reviewJson(session.gun, staged.reviews) }));
  } else {
    io.stderr.write(reviewText(session.gun, staged.reviews));
    io.stderr.write(nextStep(path, staged.reviews));
    io.stdout.write(`Staged ${path}: nothing is published yet\n`);
  }
  return staged;
}
