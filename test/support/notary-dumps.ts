// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import { type DatabaseAddress, openDatabase } from '../../src/service/database/index.ts';
import type { ServerEngine } from './databases.ts';
import { readVector, readVectorJson } from './vectors.ts';

/** How the recorded files call the engines. */
const NAMES = { postgres: 'postgresql', mysql: 'mysql' } as const;

/** What the original programs said was in their databases when they were dumped. */
export interface DumpedRows {
  readonly tuf_files: readonly (readonly [
    gun: string,
    role: string,
    version: number,
    sha256: string,
    length: number,
    createdAt: string,
  ])[];
  readonly changefeed: readonly (readonly [
    id: number,
    createdAt: string,
    gun: string,
    version: number,
    sha256: string,
    category: string,
  ])[];
  readonly private_keys: readonly (readonly [
    keyId: string,
    gun: string,
    role: string,
    alias: string,
    passphrase: string,
    publicKey: string,
  ])[];
}

export function dumpedRows(engine: ServerEngine): DumpedRows {
  return readVectorJson(`db/${NAMES[engine]}-expected.json.gz`);
}

/** Passphrases of the recorded signers, by alias. */
export const DUMP_PASSPHRASES: Readonly<Record<string, string>> = {
  vec_alias_1: 'signer-pass-one',
  vec_alias_2: 'signer-pass-two',
};

/** Restores what Debian's notary-server or notary-signer left in its database; `schema` alone leaves the rows out. */
export async function restoreDump(
  address: DatabaseAddress & { readonly engine: ServerEngine },
  part: 'server' | 'signer',
  what: 'everything' | 'schema' = 'everything',
): Promise<void> {
  const text = new TextDecoder().decode(readVector(`db/${NAMES[address.engine]}-${part}.sql.gz`));
  const { database } = await openDatabase({ ...address, poolSize: 1 });
  try {
    for (const statement of statementsOf(text)) {
      const isRow = statement.startsWith('INSERT INTO') && !statement.includes('change_category');
      if (what === 'everything' || !isRow) await sql.raw(statement).execute(database);
    }
  } finally {
    await database.destroy();
  }
}

/** Without what belongs to the place where the dump was made: databases, owners, settings and locks. */
function statementsOf(dump: string): readonly string[] {
  const lines = dump.split('\n').filter((line) => !/^(--|\\|\/\*|SET |USE |LOCK |UNLOCK |CREATE DATABASE)/.test(line));
  return lines
    .join('\n')
    .split(/;$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '' && !/OWNER TO|search_path/.test(statement));
}
