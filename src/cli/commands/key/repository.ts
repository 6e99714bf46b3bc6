// SPDX-License-Identifier: Apache-2.0
import { parseReference } from '../../../registry/index.ts';
import type { Root } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import type { Session } from '../../session.ts';
import { UsageError } from '../../usage-error.ts';

/**
 * A repository that exists, by its name: Docker's short names are taken too. Fetched once before anything is made for it,
 * so that a name with a typing error leaves no key behind.
 * @param frozen as of {@link Session.refreshToRenew}
 * @throws UsageError; VerificationError
 */
export async function openRepository(
  context: CommandContext,
  text: string,
  frozen = false,
): Promise<{ readonly session: Session; readonly root: Root }> {
  const reference = parseReference(text);
  if (!reference.tagDefaulted || reference.digest !== undefined)
    throw new UsageError(`${text}: a repository has keys, a tag or digest has none`);
  const session = context.open(reference);
  const { targets } = await session.refreshToRenew(frozen);
  return { session, root: targets.snapshot.timestamp.root.signed };
}
