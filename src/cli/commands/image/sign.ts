// SPDX-License-Identifier: Apache-2.0

import { decodeHex } from '../../../encoding/index.ts';
import { addTarget, type Published, stageTag } from '../../../publisher/index.ts';
import {
  type Digest,
  digestHex,
  familiarName,
  gun,
  type ImageReference,
  parseReference,
} from '../../../registry/index.ts';
import { dockerTarget, kindOf, parseRoleName, type RoleName, type TargetFile } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import type { Session } from '../../session.ts';
import { UsageError } from '../../usage-error.ts';
import { stageTo } from '../staging/stage.ts';

export interface SignOptions {
  /** Where to write the signed change instead of publishing it. */
  readonly stage?: string;
  /** Roles to sign into, in place of those that Docker would choose. */
  readonly role?: readonly string[];
}

/** `hallmark sign REF[@DIGEST]`: signs what the registry serves under the tag, or that digest for the tag. */
export async function sign(context: CommandContext, text: string, options: SignOptions = {}): Promise<void> {
  const { io, open } = context;
  const reference = parseReference(text);
  if (reference.tag === undefined)
    throw new UsageError(`no tag specified for ${text}: give NAME:TAG@${reference.digest}`);
  if (reference.tagDefaulted) io.stderr.write('Using default tag: latest\n');
  const session = open(reference);
  // the manifest's own bytes are what is signed: neither an engine's nor a header's word counts for its digest
  const { descriptor } = await session.registry().getManifest(reference.path, reference.digest ?? reference.tag);
  const { digest, size } = descriptor;
  await signTag(context, session, reference, reference.tag, { digest, size }, options);
}

/** Signs a tag for content that the registry holds, and tells in Docker's words what was done. */
export async function signTag(
  context: CommandContext,
  session: Session,
  reference: ImageReference,
  tag: string,
  { digest, size }: { readonly digest: Digest; readonly size: number },
  options: SignOptions = {},
): Promise<void> {
  const { io, globals } = context;
  const target = dockerTarget(decodeHex(digestHex(digest)), size);
  const roles = options.role?.map(targetsRole);
  if (options.stage !== undefined) {
    await stageTo(context, session, options.stage, (draft, now) =>
      stageTag(draft, session.keys, now, { tag, target, ...(roles === undefined ? {} : { roles }) }),
    );
    return;
  }
  io.stderr.write('Signing and pushing trust metadata\n');
  const { initialized, roles: published } = await publishTag(session, tag, target, roles);
  if (initialized) io.stderr.write(`Finished initializing "${session.gun}"\n`);
  const name = `${gun(reference)}:${tag}`;
  if (published.length === 0) io.stderr.write('Signed for this very digest already: nothing was published\n');
  if (globals.json) {
    io.stdout.write(
      jsonText({
        reference: `${familiarName(reference)}:${tag}@${digest}`,
        gun: session.gun,
        tag,
        digest,
        size,
        roles: published,
        initialized,
      }),
    );
  } else {
    io.stdout.write(`Successfully signed ${name}\n`);
  }
}

/** A role that may list tags: `targets`, or a delegation. @throws UsageError */
function targetsRole(text: string): RoleName {
  const role = parseRoleName(text);
  if (kindOf(role) !== 'targets') throw new UsageError(`--role: ${role} signs no tags`);
  return role;
}

function publishTag(
  session: Session,
  tag: string,
  target: TargetFile,
  roles: readonly RoleName[] | undefined,
): Promise<Published> {
  if (roles === undefined) return session.publisher().sign(tag, target);
  return session.publisher().publish((draft, now) => {
    for (const role of roles) addTarget(draft, role, now, tag, target);
  });
}
