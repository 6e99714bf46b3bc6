// SPDX-License-Identifier: Apache-2.0
import { PublishError } from '../../../publisher/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { confirm, isTerminal } from '../../prompts.ts';
import { repositoryOf } from '../../repository-name.ts';
import { UsageError } from '../../usage-error.ts';
import { readStagedFile, replaceStagedFile } from './staged-file.ts';
import { nextStep, reviewJson, reviewText } from './staged-words.ts';

export interface CosignOptions {
  readonly yes?: boolean;
  /** Look only. */
  readonly show?: boolean;
}

/** `hallmark cosign FILE`: shows what a staged file changes, and adds the user's signatures to it. */
export async function cosign(context: CommandContext, path: string, options: CosignOptions): Promise<void> {
  const { io, globals, open } = context;
  const update = await readStagedFile(path);
  const session = open(repositoryOf(update.gun));
  const { staging } = session.publisher();
  const reviews = await staging.review(update);
  if (!globals.json || options.show !== true) io.stderr.write(reviewText(session.gun, reviews));
  if (options.show === true) {
    if (globals.json) io.stdout.write(jsonText(reviewJson(session.gun, reviews)));
    else io.stdout.write(nextStep(path, reviews));
    return;
  }
  const keyIds = await staging.ownKeys(reviews);
  if (keyIds.length === 0) throw nothingToSign(path, reviews);
  for (const keyId of keyIds) io.stderr.write(`you sign with key ${keyId}\n`);
  if (!(await agreed(context, options))) throw new UsageError('nothing was signed');
  const signed = await staging.cosign(reviews);
  await replaceStagedFile(path, signed.update);
  if (globals.json) {
    io.stdout.write(jsonText({ file: path, ...reviewJson(session.gun, signed.reviews) }));
  } else {
    io.stderr.write(nextStep(path, signed.reviews));
    io.stdout.write(`Signed ${path} with ${keyIds.length === 1 ? 'one key' : `${keyIds.length} keys`}\n`);
  }
}

async function agreed({ io }: CommandContext, { yes }: CosignOptions): Promise<boolean> {
  if (yes === true) return true;
  if (!isTerminal(io)) throw new UsageError('no terminal to ask on: look at the changes, then give --yes');
  return confirm(io, 'Sign these changes?');
}

function nothingToSign(path: string, reviews: readonly { readonly missing: readonly unknown[] }[]): PublishError {
  const isComplete = reviews.every(({ missing }) => missing.length === 0);
  return new PublishError(
    isComplete ? 'not-signed' : 'no-signing-key',
    isComplete
      ? `the staged file has every signature already: hallmark publish ${path}`
      : 'no key at hand has still to sign: the keys that are missing are held by others',
  );
}
