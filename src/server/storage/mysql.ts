// SPDX-License-Identifier: Apache-2.0
import { type Expression, type SqlBool, sql } from 'kysely';
import {
  isUniqueViolation,
  isUnstorableText,
  lockName,
  type MysqlDatabase,
  transact,
} from '../../service/database/index.ts';
import { type Gun, TIMESTAMP } from '../../tuf/index.ts';
import {
  type Change,
  type ChangeContext,
  type ChangeQuery,
  ConflictError,
  UnstorableNameError,
} from './metadata-storage.ts';
import { writeMoment } from './rows.ts';
import { lockOf, type Publish, SqlStorage, type Tables } from './sql-storage.ts';

/**
 * Metadata in MySQL or MariaDB. The columns of Notary's tables ignore case, accents and spaces at the end, so each look-up
 * by name compares the bytes beside: the collation finds candidates by the index, the bytes decide
 * (W case-insensitive GUNs).
 */
export class MysqlStorage extends SqlStorage {
  constructor(opened: MysqlDatabase<Tables>, patience?: readonly number[]) {
    super(opened, patience);
  }

  protected override named(column: 'gun' | 'role', name: string): Expression<SqlBool> {
    const bytes = sql`cast(convert(${sql.ref(column)} using utf8mb4) as binary)`;
    return sql<SqlBool>`(${sql.ref(column)} = ${name} and ${bytes} = cast(${name} as binary))`;
  }

  protected override find<Row>(look: () => Promise<Row | undefined>): Promise<Row | undefined> {
    return unlessUnstorable(() => super.find(look), undefined);
  }

  override changes(query: ChangeQuery): Promise<readonly Change[]> {
    return unlessUnstorable(() => super.changes(query), []);
  }

  override delete(gun: Gun, context: ChangeContext): Promise<void> {
    return unlessUnstorable(() => super.delete(gun, context), undefined);
  }

  protected override async store(publish: Publish): Promise<void> {
    const { gun, base } = publish;
    try {
      await transact(this.opened, (transaction) => this.#storeIn(transaction, publish));
    } catch (cause) {
      if (isUnstorableText(cause)) throw new UnstorableNameError(gun, 'characters', { cause });
      if (!isUniqueViolation(cause)) throw cause;
      if (await this.#isOtherName(publish)) throw new UnstorableNameError(gun, 'collides', { cause });
      throw new ConflictError(gun, base?.version, { cause });
    }
  }

  async #storeIn(transaction: MysqlDatabase<Tables>['database'], publish: Publish): Promise<void> {
    const { gun, base, files, at, audit } = publish;
    await lockName(transaction, 'mysql', lockOf(gun));
    const newest = await transaction
      .selectFrom('tuf_files')
      .select(['version', 'sha256'])
      .where(this.named('gun', gun))
      .where('role', '=', TIMESTAMP)
      .where('deleted_at', 'is', null)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (newest?.version !== base?.version || (newest?.sha256 ?? '') !== (base?.sha256 ?? '')) {
      throw new ConflictError(gun, base?.version);
    }
    const rows = files.map(({ role, version, bytes, sha256 }) => {
      return { created_at: at, updated_at: at, gun, role, version, data: Buffer.from(bytes), sha256 };
    });
    await transaction.insertInto('tuf_files').values(rows).execute();
    const timestamp = files.find(({ role }) => role === TIMESTAMP);
    if (timestamp !== undefined) {
      const { version, sha256 } = timestamp;
      const change = { gun, version, sha256, category: 'update', created_at: at };
      await transaction.insertInto('changefeed').values(change).execute();
    }
    await transaction.insertInto('hallmark_audit').values(audit).execute();
    await transaction
      .insertInto('hallmark_expiry')
      .values(files.map(({ role, version, expires }) => ({ gun, role, version, expires_at: writeMoment(expires) })))
      .onDuplicateKeyUpdate({ version: sql`values(version)`, expires_at: sql`values(expires_at)` })
      .execute();
  }

  /** Whether what is in the way belongs to another GUN that the index takes for this one. */
  async #isOtherName({ gun, files }: Publish): Promise<boolean> {
    const other = await this.opened.database
      .selectFrom('tuf_files')
      .select('id')
      .where('gun', '=', gun)
      .where(({ not }) => not(this.named('gun', gun)))
      .where(({ or, and, eb }) =>
        or(files.map(({ role, version }) => and([eb('role', '=', role), eb('version', '=', version)]))),
      )
      .limit(sql.lit(1))
      .executeTakeFirst();
    return other !== undefined;
  }
}

/** A name with characters that the tables cannot hold names nothing. */
async function unlessUnstorable<T>(work: () => Promise<T>, nothing: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isUnstorableText(error)) return nothing;
    throw error;
  }
}
