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

/**
 * Names first, from an index alone, then what is told of the few that were found: a search looks through all names, and
 * should not have to fetch a row for each.
 */
export async function listCollections(
  engine: DatabaseEngine,
  database: Kysely<MetadataTables>,
  query: CollectionQuery,
): Promise<readonly ListedCollection[]> {
  const { contains, within, order, limit, descending = false } = query;
  if (contains !== undefined && !isPartOfNames(contains)) return [];
  const direction = descending ? 'desc' : 'asc';
  let names = database.selectFrom('hallmark_expiry').select('gun').where('role', '=', TARGETS);
  if (order === 'expiry') names = names.where('expires_at', 'is not', null).orderBy('expires_at', direction);
  if (contains !== undefined && contains !== '') names = names.where(sql<SqlBool>`${position(engine, contains)} > 0`);
  if (within !== undefined) names = names.where(withinScope(engine, within));
  if (query.after !== undefined) names = names.where(beyond(query, query.after));
  const found = (await names.orderBy('gun', direction).limit(limit).execute()).map(({ gun }) => gun);
  if (found.length === 0) return [];
  const about = database
    .selectFrom('hallmark_expiry')
    .select(['gun', 'version', 'expires_at'])
    .where('role', '=', TARGETS);
  const rows = new Map((await about.where('gun', 'in', found).execute()).map((row) => [row.gun, row]));
  // one that was deleted meanwhile is no longer there
  return found.flatMap((gun) => {
    const row = rows.get(gun);
    if (row === undefined) return [];
    const expires = row.expires_at === null ? undefined : readTime(row.expires_at);
    return [{ gun: gun as Gun, version: row.version as Version, expires }];
  });
}

function beyond({ order, descending }: CollectionQuery, after: NonNullable<CollectionQuery['after']>) {
  const further = sql.raw(descending === true ? '<' : '>');
  if (order === 'name' || after.expires === undefined) return sql<SqlBool>`gun ${further} ${after.gun}`;
  const moment = writeMoment(after.expires);
  // the first condition alone is one that an index can begin at
  return sql<SqlBool>`(expires_at ${further}= ${moment} and (expires_at ${further} ${moment} or gun ${further} ${after.gun}))`;
}
