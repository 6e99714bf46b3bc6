// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { type DatabaseAddress, openDatabase } from '../../src/service/database/index.ts';
import { repositoryRoot } from './programs.ts';
import type { Workspace } from './workspace.ts';

const START_MILLISECONDS = 90_000;
const PAUSE_MILLISECONDS = 50;

/** A MariaDB and a PostgreSQL of the run's own, which keep what they acknowledge as their packages do. */
export class DatabaseServers {
  readonly #postgres: string;
  readonly #mysql: string;

  private constructor(postgres: string, mysql: string) {
    this.#postgres = postgres;
    this.#mysql = mysql;
  }

  /** Starts both; they end with the workspace. */
  static async start(workspace: Workspace): Promise<DatabaseServers> {
    const directory = workspace.makeDirectory('databases');
    const told = join(directory, 'addresses');
    const tell = `printf '%s\\n%s\\n' "$HALLMARK_TEST_POSTGRES" "$HALLMARK_TEST_MYSQL" >${told}.new && mv ${told}.new ${told} && exec sleep infinity`;
    const script = join(repositoryRoot, 'scripts/test-databases.sh');
    workspace.run(['env', 'HALLMARK_TEST_DURABLE=1', script, 'sh', '-c', tell], directory);
    for (const deadline = performance.now() + START_MILLISECONDS; !existsSync(told); ) {
      if (performance.now() > deadline) throw new Error(`the databases did not start: see ${directory}/log`);
      await Bun.sleep(PAUSE_MILLISECONDS);
    }
    const [postgres = '', mysql = ''] = (await Bun.file(told).text()).split('\n');
    return new DatabaseServers(postgres, mysql);
  }

  /** A new, empty database. */
  async make(engine: 'postgres' | 'mysql', name: string): Promise<DatabaseAddress> {
    const { database } = await openDatabase<unknown>({ engine, url: this.#url(engine, engine), poolSize: 1 });
    await sql.raw(`create database ${name}`).execute(database);
    await database.destroy();
    return { engine, url: this.#url(engine, name) };
  }

  #url(engine: 'postgres' | 'mysql', name: string): string {
    if (engine === 'mysql') return this.#mysql.replace(/\/[^/]*$/, `/${name}`);
    const url = new URL(this.#postgres);
    url.pathname = `/${name}`;
    return url.href;
  }
}
