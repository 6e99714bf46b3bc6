// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { startNotaryServer, type TrustServer } from './notary-server.ts';
import type { Service } from './processes.ts';
import { cleanEnvironment, hallmarkProgram, repositoryRoot, type TrustServerKind } from './programs.ts';
import type { Stage } from './stage.ts';

/** Where a `hallmark up` listens and what it keeps, so that it can be started a second time over the same data. */
export interface HallmarkPlace {
  readonly data: string;
  readonly port: number;
  readonly registryPort: number;
}

export async function hallmarkPlace(stage: Stage): Promise<HallmarkPlace> {
  return { data: stage.makeDirectory('hallmark-data'), port: await freePort(), registryPort: await freePort() };
}

/** `hallmark up` as a user starts it: own authority, certificate, storage and registry. */
export async function startHallmark(
  stage: Stage,
  place: HallmarkPlace,
): Promise<{ server: TrustServer; service: Service }> {
  const { data, port, registryPort } = place;
  const addresses = ['--listen', `127.0.0.1:${port}`, '--registry', `127.0.0.1:${registryPort}`];
  const service = stage.start('hallmark up', [...hallmarkProgram(), 'up', '--data', data, ...addresses], {
    env: cleanEnvironment({ HOME: stage.makeDirectory('hallmark-home') }),
    cwd: repositoryRoot,
  });
  await service.line(/^ready .*$/m);
  const host = `localhost:${port}`;
  const embeddedRegistry = `localhost:${registryPort}`;
  return { server: { url: `https://${host}`, host, ca: join(data, 'ca.crt'), embeddedRegistry }, service };
}

/** Starts a trust server of the given kind; both kinds are used in the same way from here on. */
export async function startTrustServer(stage: Stage, kind: TrustServerKind): Promise<TrustServer> {
  if (kind === 'notary') return startNotaryServer(stage);
  return (await startHallmark(stage, await hallmarkPlace(stage))).server;
}
