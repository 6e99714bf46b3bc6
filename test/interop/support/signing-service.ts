// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openToAll } from '../../../src/server/auth/index.ts';
import { CachedStorage, createTrustServer, MemoryStorage } from '../../../src/server/index.ts';
import { openSqlite } from '../../../src/service/database/index.ts';
import { listen, openLog } from '../../../src/service/index.ts';
import { openRemoteServiceKeys } from '../../../src/signing/remote/index.ts';
import { type ServiceKeyTables, SqlServiceKeys } from '../../../src/signing/service-keys/index.ts';
import type { TrustServer } from './notary-server.ts';
import type { Service } from './processes.ts';
import { cleanEnvironment } from './programs.ts';
import type { Stage } from './stage.ts';

/** Hallmark's signing service as a program of its own, on the certificates and keys of a directory, some days ahead. */
export async function startSigner(stage: Stage, directory: string, port: number, days = 0): Promise<Service> {
  const program = join(import.meta.dir, 'signer-program.ts');
  const signer = stage.start('signing service', [process.execPath, program, directory, `${port}`, `${days}`], {
    env: cleanEnvironment({ HOME: directory, NOTARY_SIGNER_TEST: PASSPHRASE }),
    cwd: directory,
  });
  await signer.line(/^ready$/m);
  return signer;
}

/** The keys of {@link startSigner}'s directory, opened beside the service. */
export function keysOf(directory: string): SqlServiceKeys {
  const database = openSqlite<ServiceKeyTables>(join(directory, 'keys.db'));
  return new SqlServiceKeys(
    { engine: 'sqlite', database },
    { defaultAlias: 'test', passphrase: () => PASSPHRASE, now: () => new Date() },
  );
}

const PASSPHRASE = 'passphrase of a test';

/** The same with its keys in the token that a URI names, whose PIN is in the directory's file `pin`. */
export async function startTokenSigner(
  stage: Stage,
  directory: string,
  port: number,
  uri: string,
  env: Record<string, string>,
): Promise<Service> {
  const program = join(import.meta.dir, 'signer-program.ts');
  const argv = [process.execPath, program, directory, `${port}`, '0', uri];
  const signer = stage.start('signing service', argv, { env, cwd: directory });
  await signer.line(/^ready$/m);
  return signer;
}

/** Hallmark's trust server in this process, in memory, with its keys at a signing service; it may be told the time. */
export interface ServerOnSigner extends TrustServer {
  now: () => Date;
  close(): Promise<void>;
}

export function startServerOn(directory: string, signerPort: number): ServerOnSigner {
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const identity = { cert: read('server.crt'), key: read('server.key') };
  const tls = { ca: read('ca.crt'), ...identity };
  const keys = openRemoteServiceKeys({ hostname: 'localhost', port: signerPort, tls });
  const place = { now: () => new Date(), ca: join(directory, 'ca.crt') };
  const storage = new CachedStorage(new MemoryStorage());
  const { fetch } = createTrustServer({
    auth: openToAll,
    storage,
    keys,
    clock: () => place.now(),
    log: openLog('error'),
  });
  const listener = listen({ fetch, tls: identity, hostname: '127.0.0.1', port: 0 });
  const host = `localhost:${listener.port}`;
  const close = async () => {
    await listener.stop();
    await keys.close();
  };
  return Object.assign(place, { url: `https://${host}`, host, close });
}
