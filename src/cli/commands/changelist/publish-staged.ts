// SPDX-License-Identifier: Apache-2.0
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { repositoryOf } from '../../repository-name.ts';
import { readStagedFile } from '../staging/staged-file.ts';
import { reviewJson, reviewText } from '../staging/staged-words.ts';

/** `hallmark publish FILE`: sends a staged file that has all its signatures. */
export async function publishStaged({ io, globals, open }: CommandContext, path: string): Promise<void> {
  const update = await readStagedFile(path);
  const session = open(repositoryOf(update.gun));
  const { staging } = session.publisher();
  const reviews = await staging.review(update);
  if (!globals.json) io.stderr.write(reviewText(session.gun, reviews));
  const { roles } = await staging.publish(update);
  if (globals.json) io.stdout.write(jsonText({ ...reviewJson(session.gun, reviews), published: roles }));
  else io.stdout.write(`Published ${path}: ${roles.join(', ')} of ${session.gun}\n`);
}
