// SPDX-License-Identifier: Apache-2.0
import type { CommandContext } from '../context.ts';
import { runServer, runSigner } from '../service-run.ts';

export interface ServiceOptions {
  readonly config: string;
}

/** `hallmark server --config FILE` */
export function server({ io }: CommandContext, { config }: ServiceOptions): Promise<void> {
  return runServer(io, { config, ready: (line) => io.stdout.write(line) });
}

/** `hallmark signer --config FILE` */
export function signer({ io }: CommandContext, { config }: ServiceOptions): Promise<void> {
  return runSigner(io, { config, ready: (line) => io.stdout.write(line) });
}
