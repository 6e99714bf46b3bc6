// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import { isUniqueViolation, type SqliteDatabase, transact } from '../../service/database/index.ts';
import { type Gun, type RoleName, TIMESTAMP, type Version } from '../../tuf/index.ts';
import { ConflictError } from './metadata-storage.ts';
import { unpadded, writeMoment } from './rows.ts';
import { type HeadRow, type Publish, SqlStorage, type Tables } from './sql-storage.ts';

/** SQLite takes 500 selects in one statement. The timestamp is asked for first: what is written later moves it. */
const SELECTS = 400;

/** Metadata in SQLite: one writer at a time, durable as `openSqlite` has it. */
export class SqliteStorage extends SqlStorage {
  constructor(database: SqliteDatabase<Tables>['database']) {
    super({ engine: 'sqlite', database });
  }

  protected override async heads(gun: Gun, roles: readonly RoleName[]): Promise<readonly HeadRow[]> {
    const found: HeadRow[] = [];
    for (let start = 0; start < roles.length; start += SELECTS) {
      const heads = roles.slice(start, start + SELECTS).map(
        (role) => sql`select * from (select role, version, sha256 from tuf_files where gun = ${gun} and role = ${role}
          and deleted_at is null order by version desc limit 1)`,
      );
      const { rows } = await sql<HeadRow>`${sql.join(heads, sql` union all `)}`.execute(this.opened.database);
      found.push(...rows);
    }
    return found;
  }

  protected override async store({ gun, base, files, at, audit }: Publish): Promise<void> {
    await transact(this.opened, async (transaction) => {
      const newest = await transaction
        .selectFrom('tuf_files')
        .select(['version', 'sha256'])
        .where('gun', '=', gun)
        .where('role', '=', TIMESTAMP)
        .where('deleted_at', 'is', null)
        .orderBy('version', 'desc')
        .limit(1)
        .executeTakeFirst();
      // a row that was copied from one of the first versions of Notary has no hash
      const current = newest && { version: newest.version as Version, sha256: unpadded(newest.sha256) };
      const isCurrent = current?.version === base?.version && current?.sha256 === base?.sha256;
      if (!isCurrent) throw new ConflictError(gun, base?.version);
      for (const { role, version, bytes, sha256, expires } of files) {
        const file = { gun, role, version, data: bytes, sha256, created_at: at, updated_at: at };
        await transaction.insertInto('tuf_files').values(file).execute();
        const expiry = { version, expires_at: writeMoment(expires) };
        await transaction
          .insertInto('hallmark_expiry')
          .values({ gun, role, ...expiry })
          .onConflict((conflict) => conflict.columns(['gun', 'role']).doUpdateSet(expiry))
          .execute();
        if (role !== TIMESTAMP) continue;
        const change = { gun, version, sha256, category: 'update', created_at: at };
        await transaction.insertInto('changefeed').values(change).execute();
      }
      await transaction.insertInto('hallmark_audit').values(audit).execute();
    }).catch((cause) => {
      throw isUniqueViolation(cause) ? new ConflictError(gun, base?.version, { cause }) : cause;
    });
  }
}
