// SPDX-License-Identifier: Apache-2.0
import { loadSignerConfig } from '../../../signer/config/index.ts';
import { openUntriedKeys } from '../../../signing/key-database/index.ts';
import type { CommandContext } from '../../context.ts';
import { UsageError } from '../../usage-error.ts';
import { type RotatePassphraseOptions, rotatePassphrase } from './rotate-passphrase.ts';

/** `hallmark signer rotate-passphrase --config FILE`, for the keys in the database of that configuration. */
export async function rotateSignerPassphrase(
  { io, globals }: CommandContext,
  { config, ...options }: RotatePassphraseOptions & { readonly config?: string },
): Promise<void> {
  if (config === undefined) throw new UsageError('--config names no file');
  const { settings } = await loadSignerConfig(config, io.env);
  const context = { env: io.env, clock: () => io.now() };
  const opened = settings.keys.at === 'database' ? await openUntriedKeys(settings.keys, context) : undefined;
  if (opened === undefined) throw new UsageError(`${config}: only keys in a database have a passphrase`);
  try {
    await rotatePassphrase({ io, globals }, opened.keys, options);
  } finally {
    await opened.close();
  }
}
