// SPDX-License-Identifier: Apache-2.0
import { chmodSync, chownSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../support/free-port.ts';
import { succeed } from './processes.ts';
import { cleanEnvironment, program } from './programs.ts';
import type { Stage } from './stage.ts';

export interface Postgres {
  readonly url: string;
  query(sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Ends the connection; the stage ends the server and removes its data. */
  close(): Promise<void>;
}

/** Debian's PostgreSQL on 127.0.0.1 with one empty database. It refuses to run as root: it runs as nobody. */
export async function startPostgres(stage: Stage): Promise<Postgres> {
  const directory = stage.makeOutside('postgres');
  const [uid, gid] = [65534, 65534];
  chmodSync(directory, 0o700);
  if (statSync(directory).uid === 0) chownSync(directory, uid, gid);
  const as = process.getuid?.() === 0 ? [program('setpriv'), `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : [];
  const options = { env: cleanEnvironment({ HOME: directory }), cwd: directory };
  const data = join(directory, 'data');
  const port = await freePort();
  await succeed(
    [...as, program('initdb'), '-D', data, '-U', 'notary', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    options,
  );
  const server = [
    program('postgres'),
    '-D',
    data,
    '-h',
    '127.0.0.1',
    '-p',
    `${port}`,
    '-k',
    directory,
    '-c',
    'fsync=off',
  ];
  const service = stage.start('postgres', [...as, ...server], options);
  await service.line(/ready to accept connections/);
  const url = `postgres://notary@127.0.0.1:${port}/postgres?sslmode=disable`;
  const client = new Client({ host: '127.0.0.1', port, user: 'notary', database: 'postgres' });
  await client.connect();
  return {
    url,
    query: async (sql, values = []) => (await client.query(sql, [...values])).rows,
    close: () => client.end(),
  };
}

/** The tables of notary-server, which does not make them itself (reference 7.1). */
export const NOTARY_SERVER_TABLES = `
create table tuf_files (
  id serial primary key,
  created_at timestamp null, updated_at timestamp null, deleted_at timestamp null,
  gun varchar(255) not null, role varchar(255) not null, version integer not null,
  data bytea not null, sha256 char(64),
  unique (gun, role, version)
);
create table change_category (category varchar(20) primary key);
insert into change_category values ('update'), ('deletion');
create table changefeed (
  id serial primary key,
  created_at timestamp default current_timestamp,
  gun varchar(255) not null, version integer not null, sha256 char(64),
  category varchar(20) not null default 'update' references change_category
);`;
