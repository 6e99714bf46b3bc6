// SPDX-License-Identifier: Apache-2.0

import { loadServerConfig } from '../../../server/config/index.ts';
import { migrateServer, pendingOfServer } from '../../../server/start/index.ts';
import type { SchemaSteps } from '../../../service/database/index.ts';
import { loadSignerConfig } from '../../../signer/config/index.ts';
import { migrateSigner, pendingOfSigner } from '../../../signer/start/index.ts';
import type { CommandContext } from '../../context.ts';
import type { Io } from '../../io.ts';
import { jsonText } from '../../json-text.ts';
import { UsageError } from '../../usage-error.ts';
import { serviceOf } from './service-of-config.ts';

export interface MigrateOptions {
  readonly config: string;
  readonly dryRun?: boolean;
}

/** `hallmark migrate --config FILE`: the tables of a service's database, up to date; `--dry-run` only tells. */
export async function migrate({ io, globals }: CommandContext, options: MigrateOptions): Promise<void> {
  const isDry = options.dryRun === true;
  const steps = await stepsOf(io, options.config, isDry);
  if (globals.json === true) {
    io.stdout.write(jsonText({ dryRun: isDry, databases: steps }, 0));
    return;
  }
  const words = isDry ? 'pending' : 'applied';
  const lines = steps.flatMap(({ purpose, steps: names }) =>
    names.length === 0 ? [`${purpose}: up to date`] : names.map((name) => `${purpose}: ${words} ${name}`),
  );
  io.stdout.write(`${lines.length === 0 ? 'nothing is kept in a database' : lines.join('\n')}\n`);
}

async function stepsOf(io: Io, file: string, isDry: boolean): Promise<readonly SchemaSteps[]> {
  const service = await serviceOf(file);
  if (service === 'gateway')
    throw new UsageError(`${file} is of a gateway, which keeps nothing that has to be migrated`);
  if (service === 'server') {
    const { settings } = await loadServerConfig(file, io.env);
    return isDry ? pendingOfServer(settings) : migrateServer(settings);
  }
  const { settings } = await loadSignerConfig(file, io.env);
  return isDry ? pendingOfSigner(settings) : migrateSigner(settings);
}
