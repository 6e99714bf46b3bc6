// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { equalBytes } from '../../encoding/index.ts';
import type { KeyId } from '../../tuf/index.ts';
import { wipe } from '../key-der.ts';
import { ServiceKeyError, type ServiceKeyErrorCode } from './errors.ts';
import { unwrapKey, wrapKey } from './jwe.ts';
import type { ServiceKeyTables } from './schema.ts';

export interface PassphraseRotation {
  /** Only keys under this alias; else those under any other than `to`. */
  readonly from?: string;
  /** The alias under whose passphrase they are encrypted from now on. */
  readonly to: string;
}

export interface PassphraseRotationReport {
  /** Keys that were encrypted anew. */
  readonly rotated: number;
  /** Keys that could not be opened, and stay as they are. */
  readonly failed: readonly { readonly keyId: KeyId; readonly alias: string; readonly code: ServiceKeyErrorCode }[];
  /** Keys that are under another alias now, those that failed among them: a service still makes keys under it. */
  readonly left: number;
}

const BATCH = 100;

interface Row {
  readonly key_id: string;
  readonly passphrase_alias: string;
  readonly private: Uint8Array;
}

/**
 * Encrypts stored keys under the passphrase of another alias: row by row, each at once and durably, while services go on
 * using them. Broken off, it is run again, and goes on with what is left. Rows that Notary marked as deleted are among
 * them, since their keys are still there.
 * @param passphrase that of an alias. @throws ServiceKeyError if there is none for `to`
 */
export async function rotatePassphrase(
  database: Kysely<ServiceKeyTables>,
  { from, to }: PassphraseRotation,
  passphrase: (alias: string) => string,
): Promise<PassphraseRotationReport> {
  const fresh = passphrase(to);
  const failed: PassphraseRotationReport['failed'][number][] = [];
  let rotated = 0;
  let after = '';
  for (
    let rows = await batch(database, after, to, from);
    rows.length > 0;
    rows = await batch(database, after, to, from)
  ) {
    for (const row of rows) {
      after = row.key_id;
      try {
        const wrapped = await rewrap(row, passphrase(row.passphrase_alias), fresh);
        rotated += await replace(database, row, to, wrapped);
      } catch (error) {
        if (!(error instanceof ServiceKeyError)) throw error;
        failed.push({ keyId: row.key_id as KeyId, alias: row.passphrase_alias, code: error.code });
      }
    }
  }
  return { rotated, failed, left: await countLeft(database, to, from) };
}

function rowsToRotate(database: Kysely<ServiceKeyTables>, to: string, from: string | undefined) {
  const others = database.selectFrom('private_keys').where('passphrase_alias', '!=', to);
  return from === undefined ? others : others.where('passphrase_alias', '=', from);
}

function batch(
  database: Kysely<ServiceKeyTables>,
  after: string,
  to: string,
  from: string | undefined,
): Promise<readonly Row[]> {
  return rowsToRotate(database, to, from)
    .select(['key_id', 'passphrase_alias', 'private'])
    .where('key_id', '>', after)
    .orderBy('key_id')
    .limit(BATCH)
    .execute();
}

async function countLeft(database: Kysely<ServiceKeyTables>, to: string, from: string | undefined): Promise<number> {
  const count = rowsToRotate(database, to, from).select(({ fn }) => fn.countAll().as('rows'));
  return Number((await count.executeTakeFirstOrThrow()).rows);
}

/** The key under the other passphrase, opened once more: what takes the place of a key must be that key. */
async function rewrap(row: Row, old: string, fresh: string): Promise<string> {
  const plain = await unwrapKey(Buffer.from(row.private).toString('latin1'), old);
  let again: Uint8Array | undefined;
  try {
    const wrapped = await wrapKey(plain, fresh);
    again = await unwrapKey(wrapped, fresh);
    if (!equalBytes(again, plain)) throw new ServiceKeyError('malformed', `key ${row.key_id} cannot be encrypted`);
    return wrapped;
  } finally {
    wipe(plain, ...(again === undefined ? [] : [again]));
  }
}

/** Alias and ciphertext in one statement, of a row that nobody changed meanwhile: how many that were. */
async function replace(database: Kysely<ServiceKeyTables>, row: Row, to: string, wrapped: string): Promise<number> {
  const { numUpdatedRows } = await database
    .updateTable('private_keys')
    .set({ passphrase_alias: to, private: Buffer.from(wrapped, 'latin1') })
    .where('key_id', '=', row.key_id)
    .where('passphrase_alias', '=', row.passphrase_alias)
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}
