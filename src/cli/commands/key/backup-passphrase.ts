// SPDX-License-Identifier: Apache-2.0
import { KeyStoreError, passphraseProblem } from '../../../signing/index.ts';
import type { CommandContext } from '../../context.ts';
import { givenPassphrases } from '../../passphrase-sources.ts';
import { isTerminal, readSecret } from '../../prompts.ts';
import { checkStrength } from './strong-passphrases.ts';

const ALIAS = 'backup';
const VARIABLE = 'HALLMARK_BACKUP_PASSPHRASE';
const MAX_ATTEMPTS = 3;
const MAX_NEW_ATTEMPTS = 12;

/** The passphrase for a new backup: of a file, descriptor or variable, else typed twice. @throws KeyStoreError `no-passphrase` */
export async function newBackupPassphrase(context: CommandContext): Promise<string> {
  const { io } = context;
  const found = given(context);
  if (found !== undefined) {
    checkStrength(found, 'the backup');
    return found;
  }
  if (!isTerminal(io)) throw nobody();
  for (let attempt = 0; attempt < MAX_NEW_ATTEMPTS; attempt++) {
    const first = await readSecret(io, 'Enter passphrase for the new backup: ');
    const problem = passphraseProblem(first);
    if (problem !== undefined) io.stderr.write(`${problem}\n`);
    else if ((await readSecret(io, 'Repeat passphrase for the new backup: ')) === first) return first;
    else io.stderr.write('Passphrases do not match. Please retry.\n');
  }
  throw new KeyStoreError('no-passphrase', 'maximum number of passphrase attempts exceeded');
}

/**
 * Tries passphrases until one opens the backup: one that was given once, typed ones three times.
 * @throws KeyStoreError `wrong-passphrase`, `no-passphrase`
 */
export async function withBackupPassphrase<T>(
  context: CommandContext,
  open: (passphrase: string) => Promise<T | undefined>,
): Promise<T> {
  const { io } = context;
  const found = given(context);
  if (found === undefined && !isTerminal(io)) throw nobody();
  for (let attempt = 0; attempt < (found === undefined ? MAX_ATTEMPTS : 1); attempt++) {
    if (attempt > 0) io.stderr.write('Passphrase incorrect. Please retry.\n');
    const opened = await open(found ?? (await readSecret(io, 'Enter passphrase for the backup: ')));
    if (opened !== undefined) return opened;
  }
  throw new KeyStoreError('wrong-passphrase', 'wrong passphrase for the backup, or the file is damaged');
}

function given({ io, globals }: CommandContext): string | undefined {
  return givenPassphrases(globals)(ALIAS) ?? (io.env[VARIABLE] || undefined);
}

function nobody(): KeyStoreError {
  return new KeyStoreError('no-passphrase', 'no passphrase for the backup, and no terminal to ask on', {
    remedy: `set ${VARIABLE}, or give --passphrase-file ${ALIAS}=FILE`,
  });
}
