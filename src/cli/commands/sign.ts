// SPDX-License-Identifier: Apache-2.0

import { decodeHex } from '../../encoding/index.ts';
import {
  type Digest,
  digestHex,
  familiarName,
  gun,
  type ImageReference,
  parseReference,
} from '../../registry/index.ts';
import { dockerTarget } from '../../tuf/index.ts';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import type { Session } from '../session.ts';

/** `hallmark sign REF[@DIGEST]`: signs what the registry serves under the tag, or that digest for the tag. */
export async function sign({ io, globals, open }: CommandContext, text: string): Promise<void> {
  const reference = parseReference(text);
  if (reference.tag === undefined)
    throw new UsageError(`no tag specified for ${text}: give NAME:TAG@${reference.digest}`);
  if (reference.tagDefaulted) io.stderr.write('Using default tag: latest\n');
  const session = open(reference);
  // the manifest's own bytes are what is signed: neither an engine's nor a header's word counts for its digest
  const { descriptor } = await session.registry().getManifest(reference.path, reference.digest ?? reference.tag);
  await signTag({ io, globals, open }, session, reference, reference.tag, {
    digest: descriptor.digest,
    size: descriptor.size,
  });
}

/** Signs a tag for content that the registry holds, and tells in Docker's words what was done. */
export async function signTag(
  { io, globals }: CommandContext,
  session: Session,
  reference: ImageReference,
  tag: string,
  { digest, size }: { readonly digest: Digest; readonly size: number },
): Promise<void> {
  io.stderr.write('Signing and pushing trust metadata\n');
  const { initialized, roles } = await session.publisher().sign(tag, dockerTarget(decodeHex(digestHex(digest)), size));
  if (initialized) io.stderr.write(`Finished initializing "${session.gun}"\n`);
  const name = `${gun(reference)}:${tag}`;
  if (globals.json) {
    io.stdout.write(
      `${JSON.stringify({ reference: `${familiarName(reference)}:${tag}@${digest}`, gun: session.gun, tag, digest, size, roles, initialized }, null, 2)}\n`,
    );
  } else {
    io.stdout.write(`Successfully signed ${name}\n`);
  }
}
