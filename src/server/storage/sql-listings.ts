// SPDX-License-Identifier: Apache-2.0
/** Queries that list collections; each goes along an index in the order of its answer. */
import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { DatabaseEngine } from '../../service/database/index.ts';
import { type Gun, TARGETS, type Version } from '../../tuf/index.ts';
import type { CollectionQuery, CollectionScope, ListedCollection } from './listing.ts';
import { isPartOfNames } from './listing.ts';
import { readTime, writeMoment } from './rows.ts';
import type { MetadataTables } from './schema.ts';

/** That a name is one of the scope's. Names are compared exactly: the columns are Hallmark's own. */
export function withinScope(engine: DatabaseEngine, { guns, prefixes }: CollectionScope): Expression<SqlBool> {
  const named = guns.filter(isPartOfNames);
  const conditions = prefixes
    .filter(isPartOfNames)
    .map((prefix) => sql<SqlBool>`${position(engine, prefix)} = ${sql.lit(1)}`);
  if (named.length > 0) conditions.push(sql<SqlBool>`gun in (${sql.join(named)})`);
  return conditions.length === 0 ? sql<SqlBool>`1 = 0` : sql<SqlBool>`(${sql.join(conditions, sql` or `)})`;
}

/** Where the text begins in the name, from 1 on; 0 if nowhere. */
function position(engine: DatabaseEngine, text: string): Expression<number> {
  return engine === 'postgres' ? sql<number>`strpos(gun, ${text})` : sql<number>`instr(gun, ${text})`;
}

export async function listCollections(
  engine: DatabaseEngine,
  database: Kysely<MetadataTables>,
  query: CollectionQuery,
): Promise<readonly ListedCollection[]> {
  const { contains, within, order, limit, descending = false } = query;
  if (contains !== undefined && !isPartOfNames(contains)) return [];
  const direction = descending ? 'desc' : 'asc';
  let rows = database
    .selectFrom('hallmark_expiry')
    .select(['gun', 'version', 'expires_at'])
    .where('role', '=', TARGETS);
  if (order === 'expiry') rows = rows.where('expires_at', 'is not', null).orderBy('expires_at', direction);
  if (contains !== undefined && contains !== '') rows = rows.where(sql<SqlBool>`${position(engine, contains)} > 0`);
  if (within !== undefined) rows = rows.where(withinScope(engine, within));
  if (query.after !== undefined) rows = rows.where(beyond(query, query.after));
  const found = await rows.orderBy('gun', direction).limit(limit).execute();
  return found.map(({ gun, version, expires_at }) => ({
    gun: gun as Gun,
    version: version as Version,
    expires: expires_at === null ? undefined : readTime(expires_at),
  }));
}

function beyond({ order, descending }: CollectionQuery, after: NonNullable<CollectionQuery['after']>) {
  const further = sql.raw(descending === true ? '<' : '>');
  if (order === 'name' || after.expires === undefined) return sql<SqlBool>`gun ${further} ${after.gun}`;
  const moment = writeMoment(after.expires);
  // the first condition alone is one that an index can begin at
  return sql<SqlBool>`(expires_at ${further}= ${moment} and (expires_at ${further} ${moment} or gun ${further} ${after.gun}))`;
}
