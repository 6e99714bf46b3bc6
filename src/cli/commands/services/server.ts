// SPDX-License-Identifier: Apache-2.0
import type { CommandContext } from '../../context.ts';
import { runServer, runSigner } from '../../service-run.ts';
import { UsageError } from '../../usage-error.ts';

export interface ServiceOptions {
  readonly config: string;
}

/** `hallmark server --config FILE` */
export function server({ io }: CommandContext, { config }: ServiceOptions): Promise<void> {
  return runServer(io, { config, ready: (line) => io.stdout.write(line) });
}

/** `hallmark signer --config FILE` */
export async function signer({ io }: CommandContext, { config }: Partial<ServiceOptions>): Promise<void> {
  if (config === undefined) throw new UsageError('--config names no file');
  return runSigner(io, { config, ready: (line) => io.stdout.write(line) });
}
