// SPDX-License-Identifier: Apache-2.0
import { isUniqueViolation, type SqliteDatabase, transact } from '../../service/database/index.ts';
import { TIMESTAMP } from '../../tuf/index.ts';
import { ConflictError } from './metadata-storage.ts';
import { writeMoment } from './rows.ts';
import { type Publish, SqlStorage, type Tables } from './sql-storage.ts';

/** Metadata in SQLite: one writer at a time, durable as `openSqlite` has it. */
export class SqliteStorage extends SqlStorage {
  constructor(database: SqliteDatabase<Tables>['database']) {
    super({ engine: 'sqlite', database });
  }

  protected override async store({ gun, base, files, at, audit }: Publish): Promise<void> {
    await transact(this.opened, async (transaction) => {
      const newest = await transaction
        .selectFrom('tuf_files')
        .select('sha256')
        .where('gun', '=', gun)
        .where('role', '=', TIMESTAMP)
        .where('deleted_at', 'is', null)
        .orderBy('version', 'desc')
        .limit(1)
        .executeTakeFirst();
      if (newest?.sha256 !== base?.sha256) throw new ConflictError(gun, base?.version);
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
