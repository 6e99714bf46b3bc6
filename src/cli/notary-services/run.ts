// SPDX-License-Identifier: Apache-2.0
import { loadServerConfig } from '../../server/config/index.ts';
import { migrateServer } from '../../server/start/index.ts';
import { loadSignerConfig } from '../../signer/config/index.ts';
import { migrateSigner } from '../../signer/start/index.ts';
import { failureOf } from '../errors.ts';
import type { Io } from '../io.ts';
import { oneLine } from '../one-line.ts';
import { runServer, runSigner } from '../service-run.ts';
import { UsageError } from '../usage-error.ts';
import { VERSION } from '../version.ts';
import { FlagError, parseServiceFlags, type ServiceFlags } from './flags.ts';

export type NotaryService = 'notary-server' | 'notary-signer';

/**
 * One of Notary's services by its own command line. It takes Notary's form of the configuration alone, and says why it
 * does not start as the originals do: a line of JSON of level `fatal`.
 * @returns the originals' exit codes: 0, 1 for whatever is wrong, 2 for a bad flag
 */
export async function runNotaryService(service: NotaryService, argv: readonly string[], io: Io): Promise<number> {
  let flags: ServiceFlags;
  try {
    flags = parseServiceFlags(argv);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    io.stderr.write(`${oneLine(error.message)}\n${usageOf(service)}`);
    return 2;
  }
  if (flags.help) {
    io.stderr.write(usageOf(service));
    return 0;
  }
  if (flags.version) {
    io.stdout.write(`${service} Version: ${VERSION}, Git commit: , Hallmark\n`);
    return 0;
  }
  try {
    if (flags.config === '') throw new UsageError('Could not read config at : name the file with -config');
    await (flags.bootstrap ? bootstrap(service, flags, io) : run(service, flags, io));
    return 0;
  } catch (error) {
    const { message } = failureOf(error, '');
    log(io, 'fatal', oneLine(message.replace(/^error: /, '')));
    return 1;
  }
}

function run(service: NotaryService, { config, debug }: ServiceFlags, io: Io): Promise<void> {
  log(io, 'info', `Version: ${VERSION}, Git commit: , Hallmark`);
  if (debug)
    log(io, 'warning', '-debug: the log says everything; there is no debugging server as the original has one');
  const options = { config, form: 'notary', debug, ready: () => {} } as const;
  return service === 'notary-server' ? runServer(io, options) : runSigner(io, options);
}

/** The original can do so for RethinkDB alone; here it is what `hallmark migrate` does. */
async function bootstrap(service: NotaryService, { config }: ServiceFlags, io: Io): Promise<void> {
  const done =
    service === 'notary-server'
      ? await migrateServer((await loadServerConfig(config, io.env, 'notary')).settings)
      : await migrateSigner((await loadSignerConfig(config, io.env, 'notary')).settings);
  for (const { purpose, steps } of done) log(io, 'info', `${purpose}: ${steps.join(', ') || 'up to date'}`);
}

/** As logrus writes it. */
function log(io: Io, level: string, msg: string): void {
  const time = `${io.now().toISOString().slice(0, 19)}Z`;
  io.stderr.write(`${JSON.stringify({ level, msg, time })}\n`);
}

function usageOf(service: NotaryService): string {
  return `usage: ${service}
  -bootstrap
    \tMake the tables of the configured database, or bring them up to date, and end
  -config string
    \tPath to configuration file
  -debug
    \tLog everything (the original's debugging server does not exist)
  -logf string
    \tAccepted and without effect: logs are JSON
  -version
    \tPrint the version number of ${service}
`;
}
