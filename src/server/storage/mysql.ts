// SPDX-License-Identifier: Apache-2.0
import { type Expression, type SqlBool, sql } from 'kysely';
import { isUniqueViolation, isUnstorableText, type MysqlDatabase } from '../../service/database/index.ts';
import type { Gun, RoleName } from '../../tuf/index.ts';
import {
  type Change,
  type ChangeContext,
  type ChangeQuery,
  ConflictError,
  UnstorableNameError,
} from './metadata-storage.ts';
import { headsStatement, publishStatements } from './mysql-publish.ts';
import { type HeadRow, type Publish, SqlStorage, type Tables } from './sql-storage.ts';

/**
 * Metadata in MySQL or MariaDB. The columns of Notary's tables ignore case, accents and spaces at the end, so each look-up
 * by name compares the bytes beside: the collation finds candidates by the index, the bytes decide
 * (W case-insensitive GUNs).
 */
export class MysqlStorage extends SqlStorage {
  readonly #mysql: MysqlDatabase<Tables>;

  constructor(mysql: MysqlDatabase<Tables>, patience?: readonly number[]) {
    super(mysql, patience);
    this.#mysql = mysql;
  }

  protected override named(column: 'gun' | 'role', name: string): Expression<SqlBool> {
    return sql<SqlBool>`(${sql.ref(column)} = ${name} and ${bytesOf(column)} = cast(${name} as binary))`;
  }

  protected override sameName(one: string, other: string): Expression<SqlBool> {
    const isSame = (column: string) => sql`${bytesOf(`${one}.${column}`)} = ${bytesOf(`${other}.${column}`)}`;
    return sql<SqlBool>`(${super.sameName(one, other)} and ${isSame('gun')} and ${isSame('role')})`;
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

  protected override async heads(gun: Gun, roles: readonly RoleName[]): Promise<readonly HeadRow[]> {
    const { rows } = await sql<HeadRow>`${sql.raw(headsStatement(gun, roles))}`.execute(this.opened.database);
    return rows;
  }

  protected override async store(publish: Publish): Promise<void> {
    const { gun, base } = publish;
    try {
      const [answer] = await this.#mysql.atomically(publishStatements(publish));
      if (answer?.stored !== 1) throw new ConflictError(gun, base?.version);
    } catch (cause) {
      if (isUnstorableText(cause)) throw new UnstorableNameError(gun, 'characters', { cause });
      if (!isUniqueViolation(cause)) throw cause;
      if (await this.#isOtherName(publish)) throw new UnstorableNameError(gun, 'collides', { cause });
      throw new ConflictError(gun, base?.version, { cause });
    }
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

function bytesOf(column: string): Expression<unknown> {
  return sql`cast(convert(${sql.ref(column)} using utf8mb4) as binary)`;
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
