// SPDX-License-Identifier: Apache-2.0
import {
  type Compilable,
  CompiledQuery,
  type Expression,
  type Kysely,
  type Selectable,
  type SqlBool,
  sql,
} from 'kysely';
import {
  lockName,
  type OpenedDatabase,
  PATIENCE,
  readAgain,
  transact,
  writeAgain,
} from '../../service/database/index.ts';
import type { Gun, RoleName, Version } from '../../tuf/index.ts';
import type { AuditEntry, AuditQuery, AuditRecord } from './audit.ts';
import { ExpiryBackfill } from './expiry-backfill.ts';
import type { CollectionQuery, HistoryEntry, HistoryQuery, ListedCollection } from './listing.ts';
import {
  type BackfillProgress,
  type BackfillRequest,
  type Change,
  type ChangeContext,
  type ChangeQuery,
  type CommitBase,
  type CommitContext,
  ConflictError,
  type ExpiringFile,
  type ExpiryQuery,
  type FileHead,
  type MetadataStorage,
  OutcomeUnknownError,
  type StoredFile,
  type VerifiedFile,
} from './metadata-storage.ts';
import {
  auditRecord,
  auditRow,
  changeOf,
  historyEntry,
  publishEntry,
  readTime,
  storedFile,
  unpadded,
  writeMoment,
  writeTime,
} from './rows.ts';
import type { MetadataTables } from './schema.ts';
import { listCollections, withinScope } from './sql-listings.ts';
import { StatementTemplate } from './statement-template.ts';

export type Tables = MetadataTables;

const CONTENT = ['role', 'data', 'sha256', 'created_at'] as const;
type ContentRow = Pick<Selectable<Tables['tuf_files']>, (typeof CONTENT)[number] | 'version'>;
type ContentStatement = StatementTemplate<ContentRow>;

/** Put into words once: replicas under load ask it thousands of times a second. */
const LAST_CHANGE = CompiledQuery.raw('select max(id) as id from changefeed');

/** All that one commit stores, as its rows have it. */
export interface Publish {
  readonly gun: Gun;
  readonly base: CommitBase | undefined;
  readonly files: readonly VerifiedFile[];
  readonly at: string;
  readonly audit: ReturnType<typeof auditRow>;
}

/** What the table says of one file. */
export type HeadRow = Pick<Selectable<Tables['tuf_files']>, 'role' | 'version' | 'sha256'>;

/** Under this name writers of one collection wait for each other. */
export function lockOf(gun: Gun): string {
  return `metadata ${gun}`;
}

/**
 * What is the same in every SQL database. How a publish is stored, and how names are compared, is each engine's own. The
 * caller has migrated the database.
 */
export abstract class SqlStorage implements MetadataStorage {
  protected readonly opened: OpenedDatabase<Tables>;
  readonly #backfill: ExpiryBackfill;
  readonly #patience: readonly number[];
  #latest: ContentStatement | undefined;
  #byVersion: ContentStatement | undefined;
  #byHash: ContentStatement | undefined;

  /** @param patience milliseconds before each further attempt to write where the database has gone away */
  protected constructor(opened: OpenedDatabase<Tables>, patience = PATIENCE) {
    this.opened = opened;
    this.#patience = patience;
    this.#backfill = new ExpiryBackfill(opened.database, {
      latest: ({ gun, role }) => this.latest(gun, role),
      isSameName: (one, other) => this.sameName(one, other),
    });
  }

  /** Stores all of it in one transaction, or nothing. @throws ConflictError, OpenEnded */
  protected abstract store(publish: Publish): Promise<void>;

  /** The rows of the highest version of each of these roles, by one statement. */
  protected abstract heads(gun: Gun, roles: readonly RoleName[]): Promise<readonly HeadRow[]>;

  /** That a column of `tuf_files` or `changefeed` has this very name, byte for byte. */
  protected named(column: 'gun' | 'role', name: string): Expression<SqlBool> {
    return sql<SqlBool>`${sql.ref(column)} = ${name}`;
  }

  /** That the rows of `tuf_files` under two aliases are of one collection and one role, byte for byte. */
  protected sameName(one: string, other: string): Expression<SqlBool> {
    const [gun, role] = [`${one}.gun`, `${one}.role`];
    return sql<SqlBool>`(${sql.ref(gun)} = ${sql.ref(`${other}.gun`)} and ${sql.ref(role)} = ${sql.ref(`${other}.role`)})`;
  }

  current(gun: Gun, role: RoleName): Promise<StoredFile | undefined> {
    return this.latest(gun, role);
  }

  latest(gun: Gun, role: RoleName): Promise<StoredFile | undefined> {
    this.#latest ??= this.#template((one, other) =>
      this.#files(one, other).select(CONTENT).orderBy('version', 'desc').limit(sql.lit(1)),
    );
    return this.#stored(this.#latest, [gun, role]);
  }

  async newest(gun: Gun, roles: readonly RoleName[]): Promise<ReadonlyMap<RoleName, FileHead>> {
    const found = new Map<RoleName, FileHead>();
    if (roles.length === 0) return found;
    for (const { role, version, sha256 } of (await this.find(() => this.heads(gun, roles))) ?? []) {
      found.set(role as RoleName, { version: version as Version, sha256: unpadded(sha256) });
    }
    return found;
  }

  byVersion(gun: Gun, role: RoleName, version: Version): Promise<StoredFile | undefined> {
    this.#byVersion ??= this.#template((one, other, value) =>
      this.#files(one, other)
        .select(CONTENT)
        .where('version', '=', value as Version),
    );
    return this.#stored(this.#byVersion, [gun, role, version]);
  }

  byHash(gun: Gun, role: RoleName, sha256: string): Promise<StoredFile | undefined> {
    this.#byHash ??= this.#template((one, other, value) =>
      this.#files(one, other)
        .select(CONTENT)
        .where('sha256', '=', value as string)
        .limit(sql.lit(1)),
    );
    return this.#stored(this.#byHash, [gun, role, sha256]);
  }

  async history(gun: Gun, role: RoleName, { before, limit }: HistoryQuery): Promise<readonly HistoryEntry[]> {
    let versions = this.#files(gun, role).select(['sha256', 'created_at']);
    if (before !== undefined) versions = versions.where('version', '<', before);
    const rows = await this.find(() => versions.orderBy('version', 'desc').limit(limit).execute());
    return (rows ?? []).map(historyEntry);
  }

  collections(query: CollectionQuery): Promise<readonly ListedCollection[]> {
    const { engine, database } = this.opened;
    return readAgain(() => listCollections(engine, database as Kysely<Tables>, query));
  }

  /** A look-up by name. */
  protected find<Row>(look: () => Promise<Row | undefined>): Promise<Row | undefined> {
    return readAgain(look);
  }

  /** One file, by a statement of which nothing but the values is new. */
  async #stored(statement: ContentStatement, values: readonly unknown[]): Promise<StoredFile | undefined> {
    const { database } = this.opened;
    const result = await this.find(() => database.executeQuery(statement.fill(values)));
    return storedFile(result?.rows[0]);
  }

  #template(word: (gun: Gun, role: RoleName, value: unknown) => Compilable<ContentRow>): ContentStatement {
    const marks = [Symbol('gun'), Symbol('role'), Symbol('value')] as const;
    const [gun, role, value] = marks as unknown as [Gun, RoleName, unknown];
    return new StatementTemplate(word(gun, role, value).compile(), marks);
  }

  #files(gun: Gun, role: RoleName) {
    return this.opened.database
      .selectFrom('tuf_files')
      .select('version')
      .where(this.named('gun', gun))
      .where(this.named('role', role))
      .where('deleted_at', 'is', null);
  }

  async commit(
    gun: Gun,
    base: CommitBase | undefined,
    files: readonly VerifiedFile[],
    context: CommitContext,
  ): Promise<void> {
    const audit = auditRow(publishEntry(gun, files, context));
    const publish: Publish = { gun, base, files, at: writeTime(context.now), audit };
    const attempt = async (mayBeDone: boolean) => {
      try {
        await this.store(publish);
      } catch (error) {
        // what stands in the way may be what an earlier attempt stored before its answer got lost
        if (mayBeDone && error instanceof ConflictError && (await this.#isRecorded(publish))) return;
        throw error;
      }
    };
    await writeAgain(attempt, (cause) => new OutcomeUnknownError(gun, { cause }), this.#patience);
  }

  /** The audit log has it for good, also where the collection has been deleted since; the hashes make it unique. */
  async #isRecorded({ audit }: Publish): Promise<boolean> {
    const rows = await readAgain(() =>
      this.opened.database
        .selectFrom('hallmark_audit')
        .select('detail')
        .where('gun', '=', audit.gun)
        .where('at', '=', audit.at)
        .execute(),
    );
    return rows.some(({ detail }) => detail === audit.detail);
  }

  async delete(gun: Gun, context: ChangeContext): Promise<void> {
    // done twice it is the same as once, so an answer that got lost does no harm
    const attempt = () => transact(this.opened, (transaction) => this.#remove(transaction, gun, context));
    await writeAgain(attempt, (cause) => new OutcomeUnknownError(gun, { cause }), this.#patience);
  }

  async #remove(transaction: Kysely<Tables>, gun: Gun, { now, actor }: ChangeContext): Promise<void> {
    await lockName(transaction, this.opened.engine, lockOf(gun));
    const removed = await transaction.deleteFrom('tuf_files').where(this.named('gun', gun)).executeTakeFirstOrThrow();
    await transaction.deleteFrom('hallmark_expiry').where('gun', '=', gun).execute();
    if (removed.numDeletedRows === 0n) return;
    const change = { gun, version: 0, sha256: '', category: 'deletion', created_at: writeTime(now) };
    await transaction.insertInto('changefeed').values(change).execute();
    const detail = { removed: Number(removed.numDeletedRows) };
    await transaction
      .insertInto('hallmark_audit')
      .values(auditRow({ at: now, actor, action: 'delete', gun, detail }))
      .execute();
  }

  async changes({ gun, from, bound, limit }: ChangeQuery): Promise<readonly Change[]> {
    const forward = from === 'oldest';
    let query = this.opened.database.selectFrom('changefeed').selectAll();
    if (gun !== undefined) query = query.where(this.named('gun', gun));
    if (bound !== undefined) query = query.where('id', forward ? '>' : '<', bound);
    query = query.orderBy('id', forward ? 'asc' : 'desc').limit(limit);
    const rows = await readAgain(() => query.execute());
    return (forward ? rows : rows.reverse()).map(changeOf);
  }

  async lastChange(): Promise<number> {
    const { database } = this.opened;
    const { rows } = await readAgain(() => database.executeQuery<{ id: number | string | null }>(LAST_CHANGE));
    return Number(rows[0]?.id ?? 0);
  }

  async audit(wanted: AuditQuery): Promise<readonly AuditRecord[]> {
    const { gun, actor, action, within, since, until, after, before, limit, from = 'oldest' } = wanted;
    let query = this.opened.database.selectFrom('hallmark_audit').selectAll();
    if (gun !== undefined) query = query.where('gun', '=', gun);
    if (actor !== undefined) query = query.where('actor', '=', actor);
    if (action !== undefined) query = query.where('action', '=', action);
    if (within !== undefined) query = query.where(withinScope(this.opened.engine, within));
    if (since !== undefined) query = query.where('at', '>=', writeMoment(since));
    if (until !== undefined) query = query.where('at', '<', writeMoment(until));
    if (after !== undefined) query = query.where('id', '>', after);
    if (before !== undefined) query = query.where('id', '<', before);
    query = query.orderBy('id', from === 'oldest' ? 'asc' : 'desc').limit(limit);
    const rows = await readAgain(() => query.execute());
    return (from === 'oldest' ? rows : rows.reverse()).map(auditRecord);
  }

  async recordAudit(entry: AuditEntry): Promise<void> {
    await this.opened.database.insertInto('hallmark_audit').values(auditRow(entry)).execute();
  }

  async expiring({ role, within, from, before, after, limit }: ExpiryQuery): Promise<readonly ExpiringFile[]> {
    let query = this.opened.database
      .selectFrom('hallmark_expiry')
      .selectAll()
      .where('expires_at', '<', writeMoment(before));
    if (from !== undefined) query = query.where('expires_at', '>=', writeMoment(from));
    if (role !== undefined) query = query.where('role', '=', role);
    if (within !== undefined) query = query.where(withinScope(this.opened.engine, within));
    if (after !== undefined) {
      const moment = writeMoment(after.expires);
      query = query.where(
        sql<SqlBool>`(expires_at > ${moment} or (expires_at = ${moment} and (gun > ${after.gun}
          or (gun = ${after.gun} and role > ${after.role}))))`,
      );
    }
    query = query.orderBy('expires_at').orderBy('gun').orderBy('role').limit(limit);
    return (await readAgain(() => query.execute())).map((row) => ({
      gun: row.gun as Gun,
      role: row.role as RoleName,
      version: row.version as Version,
      expires: readTime(row.expires_at ?? ''),
    }));
  }

  backfillExpiry(request: BackfillRequest): Promise<BackfillProgress> {
    return this.#backfill.next(request);
  }

  async check(): Promise<void> {
    await sql`select 1`.execute(this.opened.database);
  }
}
