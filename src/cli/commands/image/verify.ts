// SPDX-License-Identifier: Apache-2.0
import { listTags, resolveTag, type TrustedRepository, type TrustedTag } from '../../../client/index.ts';
import { familiarName, gun, type ImageReference, isTag, parseReference } from '../../../registry/index.ts';
import { TARGETS, VerificationError } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { policyPath } from '../../policy-place.ts';

/** `hallmark verify REF`: prints the digest that was signed for a tag, or ends with exit code 3. */
export async function verify(context: CommandContext, text: string): Promise<void> {
  const { io, globals, view } = context;
  const reference = parseReference(text);
  if (policyPath(io, globals) !== undefined)
    return (await import('../policy/verify.ts')).verifyByPolicy(context, reference);
  const repository = await view(reference).refresh();
  const found = resolveReference(repository, reference);
  const name = `${familiarName(reference)}:${found.tag}`;
  if (globals.json) io.stdout.write(jsonText(answer(reference, found)));
  else io.stdout.write(`${name}@${found.digest}\n`);
}

/**
 * A digest in the reference must be the one that is signed: for its tag, or for any tag where it names none. What is no tag is no
 * answer: it would be more than one word where a script takes the answer up.
 */
function resolveReference(repository: TrustedRepository, { tag, digest }: ImageReference): TrustedTag {
  if (tag === undefined) {
    const found = listTags(repository).find((candidate) => candidate.digest === digest && isTag(candidate.tag));
    if (found === undefined) throw new VerificationError('unsigned', TARGETS, `No valid trust data for ${digest}`);
    return found;
  }
  const found = resolveTag(repository, tag);
  if (digest !== undefined && digest !== found.digest) {
    throw new VerificationError('unsigned', found.role, `${tag} is signed for ${found.digest}, not for ${digest}`, {
      expected: found.digest,
      actual: digest,
    });
  }
  return found;
}

function answer(reference: ImageReference, { tag, digest, size, role, signers, expires }: TrustedTag) {
  return {
    reference: `${familiarName(reference)}:${tag}@${digest}`,
    gun: gun(reference),
    tag,
    digest,
    size,
    role,
    signers,
    expires: expires.toISOString(),
  };
}
