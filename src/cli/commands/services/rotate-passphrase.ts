// SPDX-License-Identifier: Apache-2.0
import type { PassphraseRotationReport, SqlServiceKeys } from '../../../signing/service-keys/index.ts';
import type { CommandContext } from '../../context.ts';
import { ExitCode } from '../../exit-codes.ts';
import { jsonText } from '../../json-text.ts';
import { PartialFailure } from '../../usage-error.ts';

export interface RotatePassphraseOptions {
  /** Only keys under this alias. */
  readonly from?: string;
  /** The new alias; the default one of the keys unless given. */
  readonly to?: string;
}

/**
 * `hallmark signer rotate-passphrase`: every key of the signing service under the passphrase of another alias. Services
 * go on meanwhile, if they know the passphrases of both.
 */
export async function rotatePassphrase(
  { io, globals }: Pick<CommandContext, 'io' | 'globals'>,
  keys: Pick<SqlServiceKeys, 'rotatePassphrase'>,
  options: RotatePassphraseOptions,
): Promise<void> {
  const report = await keys.rotatePassphrase(options);
  if (globals.json) io.stdout.write(jsonText(report));
  else io.stdout.write(`Encrypted ${keysOf(report.rotated)} anew\n`);
  for (const { keyId, alias, code } of report.failed)
    io.stderr.write(`key ${keyId} stays under alias ${JSON.stringify(alias)}: ${REASONS[code]}\n`);
  const made = report.left - report.failed.length;
  if (made > 0)
    io.stderr.write(
      `hint: ${keysOf(made)} came under another alias meanwhile: make the new alias the default of every service, and run this again\n`,
    );
  if (report.left > 0)
    throw new PartialFailure(`error: ${keysOf(report.left)} still under another alias`, ExitCode.failed);
}

const REASONS: Readonly<Record<PassphraseRotationReport['failed'][number]['code'], string>> = {
  'no-passphrase': 'no passphrase is known for it, set NOTARY_SIGNER_<ALIAS>',
  'wrong-passphrase': 'its passphrase does not open it',
  malformed: 'it is damaged',
  'not-found': 'it is gone',
  'unstorable-name': 'its table lacks characters of its name',
};

function keysOf(count: number): string {
  return count === 1 ? '1 key' : `${count} keys`;
}
