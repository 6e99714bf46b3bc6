// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { makeCertificates } from './certificates.ts';
import { type NotaryStorage, notaryServerConfig, notarySignerConfig } from './notary-configs.ts';
import { cleanEnvironment, program } from './programs.ts';
import type { Stage } from './stage.ts';

export interface TrustServer {
  /** The https address without a slash at its end. */
  readonly url: string;
  /** `localhost:PORT`, as in the names of Docker's certificate directories. */
  readonly host: string;
  /** The file with the certificate of the authority behind the server's certificate. */
  readonly ca: string;
  /** The registry that the trust server's program brings along, if any: `localhost:PORT`. */
  readonly embeddedRegistry?: string;
}

/** Debian's notary-signer and notary-server, both in memory, with mutual TLS between them. */
export async function startNotaryServer(stage: Stage): Promise<TrustServer> {
  const directory = stage.makeDirectory('notary');
  await makeCertificates(directory, ['signer', 'server']);
  const signerPort = await startNotarySigner(stage, directory);
  return startNotaryServerOn(stage, directory, signerPort);
}

/** notary-signer with the certificates `signer` and `ca` of a directory; its port. */
export async function startNotarySigner(stage: Stage, directory: string): Promise<number> {
  const port = await freePort();
  writeJson(join(directory, 'signer.json'), notarySignerConfig(port, IN_MEMORY));
  const argv = [program('notary-signer'), '-config', 'signer.json'];
  const signer = stage.start('notary-signer', argv, optionsIn(directory));
  await signer.listening({ port });
  return port;
}

/** notary-server with the certificates `server` and `ca` of a directory, whose keys a signing service holds. */
export async function startNotaryServerOn(
  stage: Stage,
  directory: string,
  signerPort: number,
  storage: NotaryStorage = IN_MEMORY,
): Promise<TrustServer> {
  const port = await freePort();
  writeJson(join(directory, 'server.json'), notaryServerConfig(port, signerPort, storage));
  const argv = [program('notary-server'), '-config', 'server.json'];
  const server = stage.start('notary-server', argv, optionsIn(directory));
  await server.listening({ port });
  return { url: `https://localhost:${port}`, host: `localhost:${port}`, ca: join(directory, 'ca.crt') };
}

const IN_MEMORY = { backend: 'memory' };

function optionsIn(directory: string) {
  return { env: cleanEnvironment({ HOME: directory }), cwd: directory };
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, JSON.stringify(value));
}
