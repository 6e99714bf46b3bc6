// SPDX-License-Identifier: Apache-2.0
import { PublishError, stageRevocation } from '../../../publisher/index.ts';
import { type ImageReference, parseReference } from '../../../registry/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { confirm, isTerminal } from '../../prompts.ts';
import { UsageError } from '../../usage-error.ts';
import { stageTo } from '../staging/stage.ts';

/** `hallmark revoke REF`: takes the signatures of a tag, or of a whole repository, from every role that holds them. */
export async function revoke(
  context: CommandContext,
  text: string,
  options: { readonly yes?: boolean; readonly stage?: string },
): Promise<void> {
  const { io, globals, open } = context;
  const reference = parseReference(text);
  if (reference.digest !== undefined) throw new UsageError('cannot use a digest reference for IMAGE:TAG');
  const tag = reference.tagDefaulted ? undefined : reference.tag;
  if (options.stage !== undefined) return stageRevoke(context, reference, tag, options.stage);
  if (tag === undefined && options.yes !== true) {
    // silence would pass for done
    if (!isTerminal(io)) throw new UsageError(`nobody to confirm that all signatures of ${text} are to go: give --yes`);
    const agreed = await confirm(io, `Confirm you would like to delete all signature data for ${text}?`);
    if (!agreed) throw new PublishError('not-signed', `nothing was revoked: ${text} is as it was`);
  }
  const session = open(reference);
  // what was never signed gets no keys for that
  const refuseNew = () => Promise.reject(new PublishError('not-signed', `${session.gun} has no trust data`));
  const { roles } = await session.publisher(refuseNew).revoke(tag);
  if (globals.json) io.stdout.write(jsonText({ reference: text, tag: tag ?? null, roles }));
  else io.stdout.write(`Successfully deleted signature for ${text}\n`);
}

async function stageRevoke(
  context: CommandContext,
  reference: ImageReference,
  tag: string | undefined,
  path: string,
): Promise<void> {
  const session = context.open(reference);
  let kept: readonly string[] = [];
  await stageTo(context, session, path, async (draft, now) => {
    kept = await stageRevocation(draft, session.keys, now, tag);
  });
  if (kept.length > 0)
    context.io.stderr.write(`${kept.join(', ')} still signs it: its signer must revoke it as well\n`);
}
