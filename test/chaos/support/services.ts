// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseAddress } from '../../../src/service/database/index.ts';
import { makeCertificates } from '../../interop/support/certificates.ts';
import { cleanEnvironment, hallmarkProgram } from '../../interop/support/programs.ts';
import type { Stage } from '../../interop/support/stage.ts';
import { freePort } from '../../support/free-port.ts';
import { Replica } from './replica.ts';

/** `hallmark server` and `hallmark signer`, several of each, over one database server. */
export interface Services {
  readonly servers: readonly Replica[];
  readonly signers: readonly Replica[];
  readonly caFile: string;
}

export interface ServicesOptions {
  readonly servers: number;
  readonly signers: number;
  /** Of metadata, and of the signing services' keys. */
  readonly databases: { readonly server: DatabaseAddress; readonly signer: DatabaseAddress };
}

const PASSPHRASE = 'passphrase of keys in a chaos run';

/** Prepares their files; nothing is started yet. */
export async function prepareServices(stage: Stage, options: ServicesOptions): Promise<Services> {
  const directory = stage.makeDirectory('services');
  await makeCertificates(directory, ['signer', 'server']);
  writeFileSync(join(directory, 'passphrase'), PASSPHRASE, { mode: 0o600 });
  const signers: Replica[] = [];
  const servers: Replica[] = [];
  const replica = (kind: 'server' | 'signer', number: number, port: number, settings: object): Replica => {
    const config = join(directory, `${kind}-${number}.json`);
    writeFileSync(config, JSON.stringify(settings));
    const argv = [...hallmarkProgram(), kind, '--config', config];
    return new Replica({
      name: `${kind} ${number}`,
      argv,
      env: cleanEnvironment({ HOME: directory }),
      cwd: directory,
      port,
    });
  };
  for (let number = 0; number < options.signers; number++) {
    const port = await freePort();
    signers.push(
      replica('signer', number, port, {
        signer: { listen: `127.0.0.1:${port}`, tls: { cert: 'signer.crt', key: 'signer.key', clientCa: 'ca.crt' } },
        storage: storageOf(options.databases.signer),
        keys: { defaultAlias: 'chaos', passphraseFiles: { chaos: 'passphrase' } },
      }),
    );
  }
  for (let number = 0; number < options.servers; number++) {
    const port = await freePort();
    const signer = signers[number % signers.length];
    servers.push(
      replica('server', number, port, {
        server: { listen: `127.0.0.1:${port}`, tls: { cert: 'server.crt', key: 'server.key' } },
        storage: storageOf(options.databases.server),
        signer: { address: `localhost:${signer?.port}`, tls: { ca: 'ca.crt', cert: 'server.crt', key: 'server.key' } },
        auth: { type: 'none' },
      }),
    );
  }
  return { servers, signers, caFile: join(directory, 'ca.crt') };
}

function storageOf({ engine, url }: DatabaseAddress): object {
  return { engine, url };
}
