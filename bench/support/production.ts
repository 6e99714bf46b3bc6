// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseAddress } from '../../src/service/database/index.ts';
import { makeCertificates } from '../../test/interop/support/certificates.ts';
import { notaryServerConfig, notarySignerConfig } from '../../test/interop/support/notary-configs.ts';
import type { DatabaseServers } from './databases.ts';
import { hallmark, program } from './programs.ts';
import { type RunningServer, running, type ServerPair } from './servers.ts';
import { freePort, type Workspace } from './workspace.ts';

/** The programs of one side, and the form of its server's configuration; that of the signing service is Notary's for both. */
interface Programs {
  readonly name: 'hallmark' | 'original';
  readonly server: (config: string) => readonly string[];
  readonly signer: (config: string) => readonly string[];
  readonly serverSettings: typeof notaryServerSettings;
}

export const HALLMARK: Programs = {
  name: 'hallmark',
  server: (config) => [hallmark, 'server', '--config', config],
  signer: (config) => [hallmark, 'signer', '--config', config],
  serverSettings: ownServerSettings,
};
const ORIGINAL: Programs = {
  name: 'original',
  server: (config) => [program('notary-server'), '-config', config],
  signer: (config) => [program('notary-signer'), '-config', config],
  serverSettings: notaryServerSettings,
};

/** Where a side keeps its data, for who wants to look or to fill it. */
export interface ProductionPair extends ServerPair {
  readonly databases: { readonly hallmark: DatabaseAddress; readonly original: DatabaseAddress };
}

/**
 * Each side as it is run in production: a server and a signing service with mutual TLS between them, each with a database on
 * one database server.
 */
export async function startProduction(workspace: Workspace, servers: DatabaseServers): Promise<ProductionPair> {
  const ours = await startSide(workspace, servers, HALLMARK, 'mysql');
  const theirs = await startSide(workspace, servers, ORIGINAL, 'mysql');
  return {
    hallmark: ours.server,
    original: theirs.server,
    databases: { hallmark: ours.database, original: theirs.database },
  };
}

let sides = 0;

export async function startSide(
  workspace: Workspace,
  servers: DatabaseServers,
  side: Programs,
  engine: 'mysql' | 'postgres',
): Promise<{ server: RunningServer; database: DatabaseAddress }> {
  const directory = workspace.makeDirectory(side.name);
  await makeCertificates(directory, ['server', 'signer']);
  const number = ++sides;
  const [database, keys] = [
    await servers.make(engine, `bench_server_${number}`),
    await servers.make(engine, `bench_signer_${number}`),
  ];
  const [port, signerPort] = [freePort(), freePort()];
  const files = { server: join(directory, 'server.json'), signer: join(directory, 'signer.json') };
  const keyStorage = { backend: engine, db_url: keys.url, default_alias: 'bench' };
  writeFileSync(files.signer, JSON.stringify(notarySignerConfig(signerPort, keyStorage, 'error')));
  writeFileSync(files.server, JSON.stringify(side.serverSettings(port, signerPort, database)));
  for (const file of [files.signer, files.server]) await migrate(file);
  await workspace.start(
    side.signer(files.signer),
    signerPort,
    workspace.makeDirectory(`${side.name}-signer`),
    KEY_PASSPHRASE,
  );
  const home = workspace.makeDirectory(`${side.name}-server`);
  const pid = await workspace.start(side.server(files.server), port, home);
  return { server: running(port, join(directory, 'ca.crt'), pid), database };
}

const KEY_PASSPHRASE = { NOTARY_SIGNER_DEFAULT_ALIAS: 'bench', NOTARY_SIGNER_BENCH: 'passphrase of a benchmark' };

/** As {@link notaryServerSettings}, and without the bound on how often one client may publish, which the original lacks. */
function ownServerSettings(port: number, signerPort: number, { engine, url }: DatabaseAddress): object {
  return {
    server: { listen: `127.0.0.1:${port}`, tls: { cert: 'server.crt', key: 'server.key' } },
    signer: { address: `localhost:${signerPort}`, tls: { ca: 'ca.crt', cert: 'server.crt', key: 'server.key' } },
    storage: { engine, url },
    auth: { type: 'none' },
    limits: { rates: { writes: UNBOUNDED, keys: UNBOUNDED } },
    logging: { level: 'error' },
  };
}

const UNBOUNDED = { perSecond: 1_000_000, burst: 1_000_000 };

function notaryServerSettings(port: number, signerPort: number, { engine, url }: DatabaseAddress): object {
  return notaryServerConfig(port, signerPort, { backend: engine, db_url: url }, 'error');
}

/** Both sides have the same tables: those of Notary, and beside them Hallmark's own, which Notary passes over. */
async function migrate(config: string): Promise<void> {
  const child = Bun.spawn([hallmark, 'migrate', '--config', config], {
    stdout: 'ignore',
    stderr: 'pipe',
    env: { ...process.env, ...KEY_PASSPHRASE },
  });
  if ((await child.exited) !== 0)
    throw new Error(`hallmark migrate failed: ${await new Response(child.stderr).text()}`);
}
