// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Options, Service } from './processes.ts';

/** What one suite starts and writes: a directory and services, all gone after `close()`. */
export class Stage {
  readonly directory = mkdtempSync(join(tmpdir(), 'hm-interop-'));
  readonly #services: Service[] = [];
  readonly #outside: string[] = [];

  /** A new directory, readable by its owner alone. */
  makeDirectory(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  /** A new directory that another user may be given: nobody else can enter the stage's own. */
  makeOutside(name: string): string {
    const path = mkdtempSync(join(tmpdir(), `hm-interop-${name}-`));
    this.#outside.push(path);
    return path;
  }

  start(name: string, argv: readonly string[], options: Options): Service {
    const service = new Service(name, argv, options);
    this.#services.push(service);
    return service;
  }

  /** Stops the services, last started first, and removes the directories. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const service of this.#services.splice(0).reverse()) {
      await service.stop().catch((error: unknown) => failures.push(error));
    }
    for (const path of [this.directory, ...this.#outside]) rmSync(path, { recursive: true, force: true });
    if (failures.length > 0) throw new AggregateError(failures, 'not every service stopped as asked');
  }
}
