// SPDX-License-Identifier: Apache-2.0
import { createConsole } from '../console/index.ts';
import { type FormName, loadServerConfig } from '../server/config/index.ts';
import { startServer } from '../server/start/index.ts';
import { type AdjustableLog, LOG_LEVELS, openLog } from '../service/index.ts';
import { loadSignerConfig } from '../signer/config/index.ts';
import { startSigner } from '../signer/start/index.ts';
import type { Io } from './io.ts';
import { VERSION } from './version.ts';

export interface ServiceRun {
  readonly config: string;
  /** The form to read the configuration as; unless given, its keys say. */
  readonly form?: FormName;
  /** Say everything, whatever the configuration wants. */
  readonly debug?: boolean;
  /** Called once the service answers. */
  readonly ready: (line: string) => void;
}

/** The trust server of a configuration, until it is told to stop. */
export async function runServer(io: Io, { config, form, debug = false, ready }: ServiceRun): Promise<void> {
  const { settings } = await loadServerConfig(config, io.env, form);
  const log = openLog(debug ? 'debug' : settings.logLevel);
  const context = { env: io.env, clock: () => io.now(), log, version: VERSION, openConsole: createConsole };
  const server = await startServer(settings, context);
  const pages = server.consoleUrl === undefined ? '' : ` console=${server.consoleUrl}`;
  ready(readyLine(`trust=${server.url}${pages}`, server.operationsUrl));
  await untilStopped(io, server, log);
}

/** The signing service of a configuration, until it is told to stop. */
export async function runSigner(io: Io, { config, form, debug = false, ready }: ServiceRun): Promise<void> {
  const { settings } = await loadSignerConfig(config, io.env, form);
  const log = openLog(debug ? 'debug' : settings.logLevel);
  // what keys were used for is on record, however quiet the log is told to be
  const auditLog = openLog('info');
  const signer = await startSigner(settings, { env: io.env, clock: () => io.now(), log, auditLog });
  const host = signer.hostname.includes(':') ? `[${signer.hostname}]` : signer.hostname;
  ready(readyLine(`signer=${host}:${signer.port}`, signer.operationsUrl));
  await untilStopped(io, signer, log);
}

function readyLine(where: string, operationsUrl: string | undefined): string {
  return `ready ${where}${operationsUrl === undefined ? '' : ` operations=${operationsUrl}`}\n`;
}

interface Running {
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** As Notary's services: SIGUSR1 says more, SIGUSR2 less. SIGHUP looks at the TLS files. */
async function untilStopped(io: Io, running: Running, log: AdjustableLog): Promise<void> {
  io.onSignal?.('SIGUSR1', () => shiftLevel(log, -1));
  io.onSignal?.('SIGUSR2', () => shiftLevel(log, 1));
  io.onSignal?.('SIGHUP', () => void running.reload());
  try {
    await io.untilStopped();
    log.info({}, 'stopping');
  } finally {
    await running.stop();
  }
}

function shiftLevel(log: AdjustableLog, step: -1 | 1): void {
  const level = LOG_LEVELS[LOG_LEVELS.indexOf(log.level) + step];
  if (level === undefined) return;
  log.setLevel(level);
  // errors are heard at every level but silence: there is nobody to tell
  log.error({ newLevel: level }, 'log level changed');
}
