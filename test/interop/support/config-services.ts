// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseAddress } from '../../../src/service/database/index.ts';
import { freePort } from '../../support/free-port.ts';
import { makeCertificates } from './certificates.ts';
import { notaryServerConfig, notarySignerConfig, notaryStorageOf } from './notary-configs.ts';
import type { TrustServer } from './notary-server.ts';
import type { Service } from './processes.ts';
import { cleanEnvironment, hallmarkProgram, program } from './programs.ts';
import type { Stage } from './stage.ts';

/** Who runs the two services: the original programs, Hallmark's commands, or Hallmark under the originals' names. */
export type Provider = 'notary' | 'hallmark' | 'face';

const ALIAS = 'interop_1';

/** A trust server and its signing service, each a program, on Notary's own configuration files: the same for every provider. */
export class ConfigServices {
  readonly server: TrustServer;
  readonly directory: string;
  readonly #stage: Stage;
  readonly #ports: { readonly server: number; readonly signer: number };
  #running: readonly Service[] = [];

  private constructor(stage: Stage, directory: string, ports: { server: number; signer: number }) {
    this.#stage = stage;
    this.#ports = ports;
    this.directory = directory;
    const host = `localhost:${ports.server}`;
    this.server = { url: `https://${host}`, host, ca: join(directory, 'ca.crt') };
  }

  static async open(stage: Stage, metadata: DatabaseAddress, keys: DatabaseAddress): Promise<ConfigServices> {
    const directory = stage.makeDirectory('config-services');
    await makeCertificates(directory, ['signer', 'server']);
    const services = new ConfigServices(stage, directory, { server: await freePort(), signer: await freePort() });
    services.#writeConfigurations(metadata, keys);
    return services;
  }

  /** From now on this provider serves; whoever did before has ended, with exit code 0. */
  async serveBy(provider: Provider): Promise<void> {
    await this.stop();
    const options = {
      cwd: this.directory,
      env: cleanEnvironment({ HOME: this.directory, [`NOTARY_SIGNER_${ALIAS.toUpperCase()}`]: 'a passphrase of keys' }),
    };
    const start = async (service: 'server' | 'signer', port: number) => {
      const started = this.#stage.start(`${provider} ${service}`, commandOf(provider, service), options);
      this.#running = [started, ...this.#running];
      // Hallmark's port is there for a moment before the service is, to see that nobody else has it
      await (provider === 'notary' ? started.listening({ port }) : started.line(/"msg":"serving"/));
    };
    await start('signer', this.#ports.signer);
    await start('server', this.#ports.server);
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = [];
    for (const service of running) {
      const code = await service.stop();
      // the originals end with 143 or so, having heard of the signal from nobody
      if (!service.name.startsWith('notary') && code !== 0) throw new Error(`${service.name} ended with ${code}`);
    }
  }

  /** Sends a signal to the server. */
  signal(name: NodeJS.Signals): void {
    this.#running[0]?.signal(name);
  }

  /** Waits for a line of the server. */
  async line(pattern: RegExp): Promise<void> {
    await this.#running[0]?.line(pattern);
  }

  /** What the provider has written, the server first. */
  get logs(): string {
    return this.#running.map(({ text }) => text).join('');
  }

  #writeConfigurations(metadata: DatabaseAddress, keys: DatabaseAddress): void {
    const { server, signer } = this.#ports;
    this.#write('signer.json', notarySignerConfig(signer, { ...notaryStorageOf(keys), default_alias: ALIAS }));
    this.#write('server.json', notaryServerConfig(server, signer, notaryStorageOf(metadata)));
  }

  #write(name: string, value: unknown): void {
    writeFileSync(join(this.directory, name), JSON.stringify(value));
  }
}

function commandOf(provider: Provider, service: 'server' | 'signer'): readonly string[] {
  const file = `${service}.json`;
  if (provider === 'notary') return [program(`notary-${service}`), '-config', file];
  if (provider === 'face') return [...hallmarkProgram(), `notary-${service}`, '-config', file, '-logf=json'];
  return [...hallmarkProgram(), service, '--config', file];
}
