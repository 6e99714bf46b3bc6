// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import {
  advisoryKey,
  isDefinite,
  isUniqueViolation,
  isUnstorableText,
  OpenEnded,
  type PostgresDatabase,
} from '../../service/database/index.ts';
import { type Gun, type RoleName, TIMESTAMP } from '../../tuf/index.ts';
import { ConflictError, UnstorableNameError } from './metadata-storage.ts';
import { writeMoment } from './rows.ts';
import { type HeadRow, lockOf, type Publish, SqlStorage, type Tables } from './sql-storage.ts';

/** Metadata in PostgreSQL. A publish is one round trip: lock, compare and insert, commit are sent together. */
export class PostgresStorage extends SqlStorage {
  readonly #postgres: PostgresDatabase<Tables>;

  constructor(postgres: PostgresDatabase<Tables>, patience?: readonly number[]) {
    super(postgres, patience);
    this.#postgres = postgres;
  }

  protected override async heads(gun: Gun, roles: readonly RoleName[]): Promise<readonly HeadRow[]> {
    const { rows } =
      await sql<HeadRow>`select wanted.role, version, sha256 from unnest(${roles}::varchar[]) as wanted (role)
      cross join lateral (
        select version, sha256 from tuf_files where gun = ${gun} and role = wanted.role and deleted_at is null
        order by version desc limit 1
      ) as newest`.execute(this.opened.database);
    return rows;
  }

  /**
   * The lock is a statement of its own: under READ COMMITTED each statement sees what was committed before it began, so the
   * comparison, which begins once the lock is held, sees what the last holder stored.
   */
  protected override async store(publish: Publish): Promise<void> {
    const { gun, base } = publish;
    const [begun, stored, ended] = await this.#postgres.batch([
      {
        sql: `begin isolation level read committed; select pg_advisory_xact_lock(${advisoryKey(lockOf(gun))})`,
        parameters: [],
      },
      insertion(publish).compile(this.#postgres.database),
      { sql: 'commit', parameters: [] },
    ]);
    for (const result of [begun, stored]) if (result?.status === 'rejected') throw failureOf(publish, result.reason);
    if (ended?.status === 'rejected') throw failureOf(publish, ended.reason);
    const isStored = stored?.status === 'fulfilled' && stored.value.rows[0]?.stored === true;
    if (!isStored) throw new ConflictError(gun, base?.version);
    if (ended?.value.command !== 'COMMIT') throw new Error('the transaction was not committed');
  }
}

/** The commit went out with the rest: where the server did not say that it failed, it may have been done. */
function failureOf({ gun, base }: Publish, cause: unknown): unknown {
  if (!isDefinite(cause)) return new OpenEnded(cause);
  if (isUniqueViolation(cause)) return new ConflictError(gun, base?.version, { cause });
  return isUnstorableText(cause) ? new UnstorableNameError(gun, 'characters', { cause }) : cause;
}

/** Compares the base and inserts everything, or nothing; its one row says which. */
function insertion({ gun, base, files, at, audit }: Publish) {
  const timestamp = files.find(({ role }) => role === TIMESTAMP);
  return sql<{ stored: boolean }>`with
    newest as (
      select version, coalesce(sha256, '') as sha256 from tuf_files
      where gun = ${gun} and role = ${TIMESTAMP} and deleted_at is null order by version desc limit 1
    ),
    base as (
      select 1 where exists (select 1 from newest where version = ${base?.version ?? 0} and sha256 = ${base?.sha256 ?? ''}::bpchar)
        or (${base === undefined} and not exists (select 1 from newest))
    ),
    file as (
      select file.* from base, unnest(
        ${files.map(({ role }) => role)}::varchar[], ${files.map(({ version }) => version)}::integer[],
        ${files.map(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))}::bytea[],
        ${files.map(({ sha256 }) => sha256)}::varchar[], ${files.map(({ expires }) => writeMoment(expires))}::timestamp[]
      ) with ordinality as file (role, version, data, sha256, expires_at, place) order by place
    ),
    stored as (
      insert into tuf_files (created_at, updated_at, gun, role, version, data, sha256)
      select ${at}::timestamp, ${at}::timestamp, ${gun}, role, version, data, sha256 from file order by place
    ),
    changed as (
      insert into changefeed (created_at, gun, version, sha256, category)
      select ${at}::timestamp, ${gun}, version, sha256, 'update' from file
      where role = ${TIMESTAMP} and ${timestamp !== undefined}
    ),
    expiry as (
      insert into hallmark_expiry (gun, role, version, expires_at)
      select distinct on (role) ${gun}, role, version, expires_at from file order by role, version desc
      on conflict (gun, role) do update set version = excluded.version, expires_at = excluded.expires_at
    ),
    audited as (
      insert into hallmark_audit (at, actor, address, request_id, action, gun, detail)
      select ${audit.at}::timestamp, ${audit.actor}, ${audit.address}, ${audit.request_id}, ${audit.action},
        ${audit.gun}, ${audit.detail} from base
    )
    select exists (select 1 from base) as stored`;
}
