// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Options, Service } from './processes.ts';

// Below the range from which systems take the ports of outgoing connections.
const FIRST_PORT = 20_000;
const PORTS = 10_000;
const PORT_ATTEMPTS = 50;

/** What one suite starts and writes: a directory and services, all gone after `close()`. */
export class Stage {
  readonly directory = mkdtempSync(join(tmpdir(), 'hm-interop-'));
  readonly #services: Service[] = [];

  /** A new directory, readable by its owner alone. */
  makeDirectory(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  start(name: string, argv: readonly string[], options: Options): Service {
    const service = new Service(name, argv, options);
    this.#services.push(service);
    return service;
  }

  /** Stops the services, last started first, and removes the directory. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const service of this.#services.splice(0).reverse()) {
      await service.stop().catch((error: unknown) => failures.push(error));
    }
    rmSync(this.directory, { recursive: true, force: true });
    if (failures.length > 0) throw new AggregateError(failures, 'not every service stopped as asked');
  }
}

/** A port of 127.0.0.1 on which nothing listens. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await canListen(port)) return port;
  }
  throw new Error('found no free port');
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
