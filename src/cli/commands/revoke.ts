// SPDX-License-Identifier: Apache-2.0
import { parseReference } from '../../registry/index.ts';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { confirm } from '../prompts.ts';

/** `hallmark revoke REF`: takes the signatures of a tag, or of a whole repository, from every role that holds them. */
export async function revoke(
  { io, globals, open }: CommandContext,
  text: string,
  options: { readonly yes?: boolean },
): Promise<void> {
  const reference = parseReference(text);
  if (reference.digest !== undefined) throw new UsageError('cannot use a digest reference for IMAGE:TAG');
  const tag = reference.tagDefaulted ? undefined : reference.tag;
  if (tag === undefined && options.yes !== true) {
    const agreed = await confirm(io, `Confirm you would like to delete all signature data for ${text}?`);
    if (!agreed) return;
  }
  const { roles } = await open(reference).publisher().revoke(tag);
  if (globals.json) io.stdout.write(`${JSON.stringify({ reference: text, tag: tag ?? null, roles }, null, 2)}\n`);
  else io.stdout.write(`Successfully deleted signature for ${text}\n`);
}
