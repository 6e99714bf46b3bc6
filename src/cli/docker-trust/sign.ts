// SPDX-License-Identifier: Apache-2.0
import { resolveTag, type TrustedRepository, type TrustedTag } from '../../client/index.ts';
import { decodeHex } from '../../encoding/index.ts';
import { addTarget, type Draft, dockerSigningRoles } from '../../publisher/index.ts';
import { digestHex, gun as gunOf, parseDigest } from '../../registry/index.ts';
import { trustReport } from '../../report/index.ts';
import { dockerTarget, firstTargets, notaryV1, type RoleName, VerificationError } from '../../tuf/index.ts';
import { REPO_ADMIN } from '../inspection.ts';
import type { Opened, TrustCommandAction, TrustContext } from './context.ts';
import { TrustCommandError, wrapped } from './errors.ts';
import { initializeWithSigner } from './first-signer.ts';
import { type Content, contentToSign, pushLocalImage } from './image-content.ts';
import { existingRepository, refuseNewRepository } from './repository.ts';
import { RELEASES } from './signers.ts';

/**
 * `docker trust sign`. It signs the digest that the registry serves for the tag, an index with all its platforms, and needs
 * no image in an engine; Docker signs what it signed before, or pushes a local image. A local image is pushed with
 * `--local`, or where the registry has no such tag, and even then what is signed is read back from the registry.
 */
export const sign: TrustCommandAction = async (context, [text = ''], { flags }) => {
  const { io } = context;
  const opened = context.open(text);
  const { reference, session } = opened;
  if (reference.digest !== undefined) throw new TrustCommandError('cannot use a digest reference for IMAGE:TAG');
  if (reference.tagDefaulted) throw new TrustCommandError(`no tag specified for ${text}`);
  const repository = await existingRepository(session);
  const released = repository && releasedTag(repository, reference.tag as string);
  const found = await contentToSign(context, opened, text, flags.has('local'));
  if (repository === undefined) await initializeWithSigner(context, opened, text);
  if (found === 'local') {
    io.stderr.write(`Signing and pushing trust data for local image ${text}, may overwrite remote trust data\n`);
    const pushed = await pushLocalImage(context, opened);
    io.stdout.write('Signing and pushing trust metadata\n');
    await signContent(context, opened, pushed);
  } else if (released === undefined || repository === undefined) {
    announceFirst(context, opened, text, found);
    await signContent(context, opened, found);
  } else {
    io.stdout.write(`Signing and pushing trust metadata for ${text}\n`);
    if (released.digest !== found.digest) {
      io.stderr.write(
        `Warning: ${text} was signed for ${released.digest}; the registry now serves ${found.digest}, and that is what is signed here\n`,
      );
    }
    await signContent(context, opened, found, () => io.stdout.write(existingSignatures(repository, released)));
  }
};

/** The same lines on standard output as after Docker's push, with which scripts find the digest. */
function announceFirst({ io }: TrustContext, { reference }: Opened, text: string, { digest, size }: Content): void {
  io.stderr.write(`Signing and pushing trust data for ${text} as the registry serves it\n`);
  io.stdout.write(`${reference.tag}: digest: ${digest} size: ${size}\nSigning and pushing trust metadata\n`);
}

/** `undefined` if the tag is not signed yet. @throws VerificationError what should say so is not trusted */
function releasedTag(repository: TrustedRepository, tag: string): TrustedTag | undefined {
  const refused = repository.refused.get(RELEASES);
  // nobody vouches for what stands there, or nothing stands there: whoever signs now starts anew
  if (refused !== undefined && (refused.file === undefined || refused.error.code === 'threshold')) return undefined;
  try {
    return resolveTag(repository, tag);
  } catch (error) {
    if (error instanceof VerificationError && error.code === 'unsigned') return undefined;
    throw error;
  }
}

function existingSignatures({ gun, targets }: TrustedRepository, { tag, digest }: TrustedTag): string {
  const sha256 = digestHex(parseDigest(digest));
  const row = trustReport(gun, targets).tags.find((signed) => signed.tag === tag && signed.sha256 === sha256);
  const signers = row === undefined || row.signers.length === 0 ? [REPO_ADMIN] : row.signers;
  return `Existing signatures for tag ${tag} digest ${sha256} from:\n${signers.join(', ')}\n`;
}

/** `beforeSigning` is called once it is known that a key is at hand. */
async function signContent(
  { io }: TrustContext,
  { reference, session }: Opened,
  { digest, size }: Content,
  beforeSigning: () => void = () => undefined,
): Promise<void> {
  const tag = reference.tag as string;
  const name = `${gunOf(reference)}:${tag}`;
  let isTold = false;
  const restarted = new Set<RoleName>();
  try {
    await session.publisher(refuseNewRepository(session)).publish(async (draft, now) => {
      const roles = await dockerSigningRoles(draft, session.keys, tag);
      if (!isTold) beforeSigning();
      isTold = true;
      for (const role of roles) {
        if (restartsUnsigned(draft, role, now)) restarted.add(role);
        addTarget(draft, role, now, tag, dockerTarget(decodeHex(digestHex(digest)), size));
      }
    });
  } catch (error) {
    throw wrapped(`failed to sign ${name}`, error, session.gun);
  }
  for (const role of restarted) {
    io.stderr.write(
      `Warning: ${role} was signed by none of its keys and starts anew with ${tag} alone: sign its other tags again\n`,
    );
  }
  io.stdout.write(`Successfully signed ${name}\n`);
}

/**
 * A role whose last signer was removed has a file that nobody vouches for. It starts anew, empty: what stood there is not
 * vouched for by whoever signs another tag. Docker begins again at version 1, and the server refuses that for ever.
 */
function restartsUnsigned(draft: Draft, role: RoleName, now: Date): boolean {
  if (draft.refusal(role)?.code !== 'threshold') return false;
  draft.witness(role, notaryV1, now);
  draft.edit(role, now, (unproven) => ({
    ...unproven,
    targets: new Map(),
    delegations: firstTargets(now).delegations,
  }));
  return true;
}
