// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import type { Kysely } from 'kysely';
import { recordedRows, recordedServiceKeys } from '../../../test/support/recorded-service-keys.ts';
import { encodeBase64 } from '../../encoding/index.ts';
import { migrateDatabase, openDatabase as open } from '../../service/database/index.ts';
import { type KeyId, keyId, nextTimestamp, notaryV1, parseGun, TIMESTAMP } from '../../tuf/index.ts';
import { SERVICE_KEY_SCHEMA, ServiceKeyError, type ServiceKeyTables, SqlServiceKeys } from './index.ts';

const passphrases: Readonly<Record<string, string>> = {
  old: 'the old passphrase',
  new: 'the new passphrase',
  vec_alias_1: 'signer-pass-one',
  vec_alias_2: 'signer-pass-two',
};
const message = notaryV1.encodeSigned(nextTimestamp(undefined, notaryV1.pin(new Uint8Array()), new Date(0)));

async function openDatabase(): Promise<Kysely<ServiceKeyTables>> {
  const { database } = await open<ServiceKeyTables>({ engine: 'sqlite', url: ':memory:' });
  await migrateDatabase({ engine: 'sqlite', database }, SERVICE_KEY_SCHEMA);
  return database;
}

function keysOn(database: Kysely<ServiceKeyTables>, defaultAlias: string, known = Object.keys(passphrases)) {
  const passphrase = (alias: string) => (known.includes(alias) ? passphrases[alias] : undefined);
  return new SqlServiceKeys(
    { engine: 'sqlite', database },
    { defaultAlias, passphrase, now: () => new Date(0), cacheSize: 1000 },
  );
}

async function make(keys: SqlServiceKeys, count: number): Promise<KeyId[]> {
  const made: KeyId[] = [];
  for (let index = 0; index < count; index++)
    made.push(keyId(await keys.create(parseGun(`example.com/${crypto.randomUUID()}`), TIMESTAMP, 'ed25519')));
  return made;
}

const aliasesOf = async (database: Kysely<ServiceKeyTables>) =>
  (await database.selectFrom('private_keys').select('passphrase_alias').execute()).map((row) => row.passphrase_alias);

async function expectUsable(keys: SqlServiceKeys, ids: readonly KeyId[]): Promise<void> {
  for (const id of ids) expect((await (await keys.signer(id))?.sign(message))?.length).toBe(64);
}

describe('rotation of the passphrase of service keys', () => {
  test('every key is under the new alias, opens without the old passphrase, and is the same key', async () => {
    const database = await openDatabase();
    const ids = await make(keysOn(database, 'old'), 5);

    expect(await keysOn(database, 'new').rotatePassphrase()).toEqual({ rotated: 5, failed: [], left: 0 });

    expect(new Set(await aliasesOf(database))).toEqual(new Set(['new']));
    await expectUsable(keysOn(database, 'new', ['new']), ids);
    expect(await keysOn(database, 'new').rotatePassphrase()).toEqual({ rotated: 0, failed: [], left: 0 });
  });

  test('more keys than are read at once are all rotated', async () => {
    const database = await openDatabase();
    const [id] = await make(keysOn(database, 'old'), 1);
    const [row] = await database.selectFrom('private_keys').selectAll().execute();
    if (row === undefined || id === undefined) throw new Error('no key was made');
    const copies = Array.from({ length: 120 }, (_, index) => ({
      ...row,
      id: 2 + index,
      key_id: `${index}`.padStart(64, '0'),
    }));
    await database.insertInto('private_keys').values(copies).execute();

    expect((await keysOn(database, 'new').rotatePassphrase()).rotated).toBe(121);
  }, 20_000);

  test('a running service goes on: with keys that it holds, and with those that it opens later', async () => {
    const database = await openDatabase();
    const running = keysOn(database, 'old');
    const ids = await make(running, 4);
    const held = await running.signer(ids[0] as KeyId);

    const rotation = keysOn(database, 'new').rotatePassphrase();
    await Promise.all([rotation, expectUsable(running, ids), held?.sign(message)]);

    await expectUsable(running, ids);
    expect((await held?.sign(message))?.length).toBe(64);
  });

  test('broken off half-way, every key opens, and the next run goes on with what is left', async () => {
    const database = await openDatabase();
    const ids = await make(keysOn(database, 'old'), 4);
    let asked = 0;
    const failing = new SqlServiceKeys(
      { engine: 'sqlite', database },
      {
        defaultAlias: 'new',
        passphrase: (alias) => {
          if (++asked > 3) throw new Error('killed');
          return passphrases[alias];
        },
        now: () => new Date(0),
      },
    );

    await expect(failing.rotatePassphrase()).rejects.toThrow('killed');

    expect((await aliasesOf(database)).sort()).toEqual(['new', 'new', 'old', 'old']);
    await expectUsable(keysOn(database, 'new'), ids);
    expect((await keysOn(database, 'new').rotatePassphrase()).rotated).toBe(2);
  });

  test('two rotations at once: each key is done by one of them', async () => {
    const database = await openDatabase();
    const ids = await make(keysOn(database, 'old'), 6);

    const both = await Promise.all([1, 2].map(() => keysOn(database, 'new').rotatePassphrase()));

    expect(both.reduce((sum, { rotated }) => sum + rotated, 0)).toBe(6);
    await expectUsable(keysOn(database, 'new', ['new']), ids);
  });

  test('keys that cannot be opened stay as they are and are named; the others are rotated', async () => {
    const database = await openDatabase();
    const [lost] = await make(keysOn(database, 'old'), 1);
    await make(keysOn(database, 'vec_alias_1'), 2);
    const before = await database
      .selectFrom('private_keys')
      .selectAll()
      .where('key_id', '=', lost as KeyId)
      .execute();

    const report = await keysOn(database, 'new', ['new', 'vec_alias_1']).rotatePassphrase();

    expect(report).toEqual({
      rotated: 2,
      failed: [{ keyId: lost as KeyId, alias: 'old', code: 'no-passphrase' }],
      left: 1,
    });
    const after = await database
      .selectFrom('private_keys')
      .selectAll()
      .where('key_id', '=', lost as KeyId)
      .execute();
    expect(after).toEqual(before);
  });

  test('one alias alone is rotated where it is named; without a passphrase for the new one nothing is', async () => {
    const database = await openDatabase();
    await make(keysOn(database, 'old'), 1);
    await make(keysOn(database, 'vec_alias_1'), 1);

    expect(await keysOn(database, 'new').rotatePassphrase({ from: 'old' })).toEqual({
      rotated: 1,
      failed: [],
      left: 0,
    });
    expect((await aliasesOf(database)).sort()).toEqual(['new', 'vec_alias_1']);
    const unknown = keysOn(database, 'new').rotatePassphrase({ to: 'nobody' });
    await expect(unknown).rejects.toBeInstanceOf(ServiceKeyError);
    expect((await aliasesOf(database)).sort()).toEqual(['new', 'vec_alias_1']);
  });

  test("S37 keys that Notary's signer encrypted are rotated, deleted ones too", async () => {
    const database = await openDatabase();
    await database.insertInto('private_keys').values(recordedRows()).execute();
    const [first, ...others] = recordedServiceKeys;
    const deleted = first?.keyId ?? ('' as KeyId);
    const at = { deleted_at: '2026-11-22 14:00:00' };
    await database.updateTable('private_keys').set(at).where('key_id', '=', deleted).execute();

    expect(await keysOn(database, 'new').rotatePassphrase()).toEqual({
      rotated: recordedServiceKeys.length,
      failed: [],
      left: 0,
    });

    const keys = keysOn(database, 'new', ['new']);
    for (const { keyId: id, public: bytes } of others)
      expect(encodeBase64((await keys.signer(id))?.key.bytes ?? new Uint8Array())).toBe(bytes);
    expect(await keys.signer(deleted)).toBeUndefined();
  });
});
