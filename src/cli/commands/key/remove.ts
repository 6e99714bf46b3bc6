// SPDX-License-Identifier: Apache-2.0
import type { KeyInfo } from '../../../signing/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { confirm, isTerminal } from '../../prompts.ts';
import { trustDirectory } from '../../settings.ts';
import { UsageError } from '../../usage-error.ts';
import { userKeys } from '../../user-keys.ts';
import { chosenKey, describeKey } from './chosen-keys.ts';
import { type KeyUse, usesOf } from './key-uses.ts';

/** `hallmark key remove`: destroys a private key for good. */
export async function removeKey(
  { io, globals }: CommandContext,
  text: string,
  options: { readonly yes?: boolean },
): Promise<void> {
  const store = userKeys(io, globals);
  const info = chosenKey((await store.list()).keys, text);
  const uses = usesOf(trustDirectory(io, globals), info.keyId);
  for (const line of consequences(info, uses)) io.stderr.write(`${line}\n`);
  if (options.yes !== true) {
    if (!isTerminal(io)) throw new UsageError('a key is not removed without a question: give --yes');
    const agreed = await confirm(io, `Remove the ${describeKey(info)} from ${info.path} for good?`);
    if (!agreed) {
      io.stderr.write('Nothing was removed.\n');
      return;
    }
  }
  await store.remove(info.keyId);
  const answer = { keyId: info.keyId, role: info.role ?? null, gun: info.gun ?? null, path: info.path, uses };
  if (globals.json) io.stdout.write(jsonText(answer));
  else io.stdout.write(`Removed ${describeKey(info)}\n`);
}

/** What can no longer be signed from here: by what the key is for, and by the repositories known to this machine. */
function consequences({ role, gun }: KeyInfo, uses: readonly KeyUse[]): readonly string[] {
  const known = uses.map((use) =>
    use.isSpare
      ? `${use.role} of ${use.gun} lists this key; its other keys still reach its threshold`
      : `without this key ${use.role} of ${use.gun} cannot be signed any more`,
  );
  if (known.length > 0) return known;
  if (role === 'root')
    return [
      'no repository can be made, and no key rotated, with this root key any more; there is no way to get it back',
    ];
  if (gun !== undefined) return [`without this key ${role ?? 'a role'} of ${gun} may not be signable any more`];
  return [`${role ?? 'a signer'} can no longer sign with this key`];
}
