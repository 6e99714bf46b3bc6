// SPDX-License-Identifier: Apache-2.0
import type { TrustCommandAction } from './context.ts';
import { TrustCommandError, wrapped } from './errors.ts';
import { refuseNewRepository } from './repository.ts';

/**
 * `docker trust revoke`. It takes the tag from every role that signs it, `targets` included where there are delegations,
 * and fails where a role is left: Docker says that it succeeded, and the tag stays trusted.
 */
export const revoke: TrustCommandAction = async ({ io, questions, open }, [text = ''], { flags }) => {
  const { reference, session } = open(text);
  if (reference.digest !== undefined) throw new TrustCommandError('cannot use a digest reference for IMAGE:TAG');
  const tag = reference.tagDefaulted ? undefined : reference.tag;
  if (tag === undefined && !flags.has('yes')) {
    const question = `Confirm you would like to delete all signature data for ${text}?`;
    if (!(await questions.confirm(question))) return;
  }
  try {
    await session.publisher(refuseNewRepository(session)).revoke(tag);
  } catch (error) {
    throw wrapped(`could not remove signature for ${text}`, error, session.gun);
  }
  io.stdout.write(`Successfully deleted signature for ${text}\n`);
};
