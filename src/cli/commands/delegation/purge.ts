// SPDX-License-Identifier: Apache-2.0
import { purgeKeys } from '../../../publisher/index.ts';
import { parseKeyId } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { parseRepository } from '../../repository-name.ts';
import { UsageError } from '../../usage-error.ts';
import { change, type StageOption } from './change.ts';

/** `hallmark delegation purge`: takes keys from every delegation that the user can change, such as after a theft. */
export async function purge(
  context: CommandContext,
  repository: string,
  options: StageOption & { readonly key: readonly string[] },
): Promise<void> {
  const keyIds = options.key.map((text) => {
    if (!/^[0-9a-f]{64}$/.test(text)) throw new UsageError(`--key: ${text} is no key ID of 64 hex digits`);
    return parseKeyId(text);
  });
  const { keys } = context.open(parseRepository(repository));
  await change(context, repository, options, (draft, now) => purgeKeys(draft, keys, now, keyIds), {
    text: (roles) => `Removed ${keyIds.join(', ')} from ${roles.join(', ')}\n`,
    json: (roles) => ({ removed: keyIds, roles }),
  });
}
