// SPDX-License-Identifier: Apache-2.0
import type { CommandContext } from '../../context.ts';
import { UsageError } from '../../usage-error.ts';

export interface ImportOptions {
  readonly data?: string;
  readonly config?: string;
  readonly fromConfig?: string;
  readonly signerConfig?: string;
  readonly toSignerConfig?: string;
  readonly fromTrustDir?: string;
}

/** `hallmark import`: from exactly one place. @throws UsageError */
export async function importFrom(
  context: CommandContext,
  archive: string | undefined,
  guns: readonly string[],
  options: ImportOptions,
): Promise<void> {
  const { fromConfig, fromTrustDir } = options;
  if ([archive, fromConfig, fromTrustDir].filter((source) => source !== undefined).length !== 1)
    throw new UsageError('say from where: an archive, --from-config FILE or --from-trust-dir DIR');
  const fits = (...names: (keyof ImportOptions)[]) => {
    const other = (Object.keys(options) as (keyof ImportOptions)[]).find((name) => !names.includes(name));
    if (other === undefined) return;
    throw new UsageError(`--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} does not fit here`);
  };
  if (fromTrustDir !== undefined) {
    fits('fromTrustDir');
    return (await import('./import-trust-directory.ts')).importTrustDirectory(context, fromTrustDir);
  }
  if (fromConfig !== undefined) {
    fits('fromConfig', 'config', 'data', 'signerConfig', 'toSignerConfig');
    return (await import('./import-database.ts')).importDatabase(context, { ...options, fromConfig });
  }
  fits('data', 'config');
  return (await import('./import-archive.ts')).importArchive(context, archive ?? '', guns, options);
}
