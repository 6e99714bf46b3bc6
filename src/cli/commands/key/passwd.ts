// SPDX-License-Identifier: Apache-2.0
import { KeyStoreError, keyAlias, openKeyStore } from '../../../signing/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { givenPassphrases, passphrasesFrom } from '../../passphrase-sources.ts';
import { terminalPassphrases } from '../../prompts.ts';
import { trustDirectory } from '../../settings.ts';
import { userKeys } from '../../user-keys.ts';
import { chosenKey, describeKey } from './chosen-keys.ts';
import { checkStrength } from './strong-passphrases.ts';

export interface PasswdOptions {
  readonly newPassphraseFile?: string;
  readonly newPassphraseFd?: string;
}

/**
 * `hallmark key passwd`: the same key under another passphrase. The new one never comes from the variables that give the
 * old one: it would be the old one again.
 */
export async function changePassphrase(
  { io, globals }: CommandContext,
  text: string,
  options: PasswdOptions,
): Promise<void> {
  const info = chosenKey((await userKeys(io, globals).list()).keys, text);
  const { keyId, role = 'delegation', gun, token } = info;
  if (token !== undefined)
    throw new KeyStoreError('unsupported', `key ${keyId} lies in ${token}, which has a PIN and no passphrase`, {
      keyId,
    });
  const store = openKeyStore(trustDirectory(io, globals));
  const key = await store.get(keyId, passphrasesFrom(io, globals));
  const given = givenPassphrases({
    ...(options.newPassphraseFile === undefined ? {} : { passphraseFile: [options.newPassphraseFile] }),
    ...(options.newPassphraseFd === undefined ? {} : { passphraseFd: [options.newPassphraseFd] }),
  })(keyAlias(role));
  const passphrase =
    given ?? (await typed(() => terminalPassphrases(io).created({ alias: keyAlias(role), role, keyId })));
  checkStrength(passphrase, `key ${keyId}`);
  await store.add(key, { role, gun }, passphrase);
  if (globals.json) io.stdout.write(jsonText({ keyId, role, gun: gun ?? null }));
  else io.stdout.write(`Changed the passphrase of ${describeKey(info)}\n`);
}

/** Without a terminal the mend is another one than for a key that is being made. */
async function typed(ask: () => Promise<string>): Promise<string> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof KeyStoreError) || cause.remedy === undefined) throw cause;
    throw new KeyStoreError('no-passphrase', 'no new passphrase, and no terminal to ask on', {
      remedy: 'give --new-passphrase-file FILE or --new-passphrase-fd N',
      cause,
    });
  }
}
