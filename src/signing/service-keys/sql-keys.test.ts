// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import type { Selectable } from 'kysely';
import { CuttingProxy } from '../../../test/support/cutting-proxy.ts';
import { SERVER_ENGINES } from '../../../test/support/databases.ts';
import { recordedRows, recordedServiceKeys } from '../../../test/support/recorded-service-keys.ts';
import { sharedTables } from '../../../test/support/shared-tables.ts';
import { encodeBase64, encodeUtf8 } from '../../encoding/index.ts';
import {
  DatabaseUnavailableError,
  migrateDatabase,
  type OpenedDatabase,
  openDatabase,
} from '../../service/database/index.ts';
import { type KeyId, keyId, parseGun, SNAPSHOT, TIMESTAMP } from '../../tuf/index.ts';
import { environmentAliasPassphrase, MemoryServiceKeys, SqlServiceKeys } from './index.ts';
import { type PrivateKeysTable, SERVICE_KEY_SCHEMA, type ServiceKeyTables } from './schema.ts';
import { codeOf, describeServiceKeys } from './service-keys.contract.ts';

const gun = parseGun('docker.io/library/alpine');
const message = encodeUtf8('message');
const passphrases: Readonly<Record<string, string>> = {
  one: 'passphrase one',
  two: 'passphrase two',
  vec_alias_1: 'signer-pass-one',
  vec_alias_2: 'signer-pass-two',
};

interface Clock {
  now: Date;
}

type Database = OpenedDatabase<ServiceKeyTables>;

function keysOn(database: Database, defaultAlias = 'one', clock: Clock = { now: new Date('2026-11-22T14:00:00Z') }) {
  const passphrase = (alias: string) => passphrases[alias];
  return new SqlServiceKeys(database, { defaultAlias, passphrase, now: () => clock.now, cacheSize: 2 });
}

const rowsOf = ({ database }: Database) => database.selectFrom('private_keys').selectAll().execute();

describeServiceKeys('memory', async () => new MemoryServiceKeys());
for (const engine of ['sqlite', ...SERVER_ENGINES] as const) {
  const tables = sharedTables<ServiceKeyTables>(engine, SERVICE_KEY_SCHEMA, ['private_keys']);
  const fresh = async () => keysOn(await tables.empty());
  if (engine === 'sqlite') describeServiceKeys(engine, fresh);
  else describeServiceKeys(engine, fresh, { another: async () => keysOn(await tables.another()) });
  describeTable(engine, tables.empty);
}

for (const engine of SERVER_ENGINES) {
  const tables = sharedTables<ServiceKeyTables>(engine, SERVICE_KEY_SCHEMA, ['private_keys']);
  test(`a database that is away is told as that (${engine})`, async () => {
    await tables.empty();
    const proxy = await CuttingProxy.start(await tables.address());
    const opened = await openDatabase<ServiceKeyTables>({ ...proxy.address, connectTimeout: 2000 });
    const keys = keysOn(opened);
    const signer = await keys.signer(keyId(await keys.create(gun, TIMESTAMP, 'ecdsa')));
    proxy.cutNext('now', true);

    const asked: readonly (() => Promise<unknown> | undefined)[] = [
      () => keys.info('0'.repeat(64) as KeyId),
      () => signer?.sign(message),
      () => keys.create(gun, SNAPSHOT, 'ecdsa'),
    ];
    for (const ask of asked) await expect(ask()).rejects.toBeInstanceOf(DatabaseUnavailableError);
    await opened.database.destroy();
    await proxy.stop();
  });
}

function describeTable(engine: string, openDatabase: () => Promise<Database>): void {
  describe(`private_keys table (${engine})`, () => {
    test("a row has the values of Notary's, and the key only encrypted", async () => {
      const database = await openDatabase();
      const clock = { now: new Date('2026-11-22T14:14:23.456Z') };

      const key = await keysOn(database, 'one', clock).create(gun, TIMESTAMP, 'ecdsa');

      const [row] = await rowsOf(database);
      const { public: bytes, private: encrypted, ...columns } = row as Selectable<PrivateKeysTable>;
      expect<Record<string, unknown>>(columns).toEqual({
        id: 1,
        created_at: '2026-11-22 14:14:23',
        updated_at: '2026-11-22 14:14:23',
        deleted_at: null,
        key_id: keyId(key),
        encryption_alg: 'A256GCM',
        keywrap_alg: 'PBES2-HS256+A128KW',
        algorithm: 'ecdsa',
        passphrase_alias: 'one',
        gun,
        role: 'timestamp',
        last_used: null,
      });
      expect(encodeBase64(bytes)).toBe(encodeBase64(key.bytes));
      expect(Buffer.from(encrypted).toString()).toMatch(/^[\w-]+(\.[\w-]+){4}$/);
    });

    test('a key from before GUN and role were noted opens, signs, and is handed out to nobody as new', async () => {
      const database = await openDatabase();
      const keys = keysOn(database);
      const old = keyId(await keys.create(gun, TIMESTAMP, 'ecdsa'));
      await database.database.updateTable('private_keys').set({ gun: '', role: '' }).execute();

      expect(await keys.info(old)).toMatchObject({ gun: undefined, role: undefined, pending: true });
      await (await keys.signer(old))?.sign(message);
      expect(await keys.info(old)).toMatchObject({ gun: undefined, role: undefined, pending: false });
      expect(keyId(await keys.create(gun, TIMESTAMP, 'ecdsa'))).not.toBe(old);
    });

    test('making the table again leaves the keys alone', async () => {
      const database = await openDatabase();
      await keysOn(database).create(gun, TIMESTAMP, 'ecdsa');

      await migrateDatabase(database, SERVICE_KEY_SCHEMA);

      expect(await rowsOf(database)).toHaveLength(1);
    });

    test('keys stay usable after the default alias has changed', async () => {
      const database = await openDatabase();
      const old = await keysOn(database, 'one').create(gun, TIMESTAMP, 'ed25519');
      const other = await keysOn(database, 'two').create(gun, SNAPSHOT, 'ed25519');

      const keys = keysOn(database, 'two');

      expect([(await keys.signer(keyId(old)))?.key, (await keys.signer(keyId(other)))?.key]).toEqual([old, other]);
    });

    test('an alias without a passphrase, and a wrong one, are typed errors', async () => {
      const database = await openDatabase();
      const key = await keysOn(database).create(gun, TIMESTAMP, 'ecdsa');
      const broken = (passphrase: (alias: string) => string | undefined) =>
        new SqlServiceKeys(database, { defaultAlias: 'one', passphrase, now: () => new Date(0) });

      expect(await codeOf(broken(() => undefined).create(gun, SNAPSHOT, 'ecdsa'))).toBe('no-passphrase');
      expect(await codeOf(broken(() => undefined).signer(keyId(key)))).toBe('no-passphrase');
      expect(await codeOf(broken(() => 'wrong').signer(keyId(key)))).toBe('wrong-passphrase');
      expect(await rowsOf(database)).toHaveLength(1);
    });

    test('last_used is written before the first signature and then once a minute', async () => {
      const database = await openDatabase();
      const clock = { now: new Date('2026-11-22T14:00:00Z') };
      const keys = keysOn(database, 'one', clock);
      const signer = await keys.signer(keyId(await keys.create(gun, TIMESTAMP, 'ecdsa')));
      const lastUsed = async () => {
        await signer?.sign(message);
        return (await rowsOf(database))[0]?.last_used;
      };

      expect(await lastUsed()).toBe('2026-11-22 14:00:00');
      clock.now = new Date('2026-11-22T14:00:59Z');
      expect(await lastUsed()).toBe('2026-11-22 14:00:00');
      clock.now = new Date('2026-11-22T14:01:00Z');
      expect(await lastUsed()).toBe('2026-11-22 14:01:00');
    });

    test('of several pending keys the one with the lowest ID is given', async () => {
      const database = await openDatabase();
      const made: KeyId[] = [];
      for (const name of ['a', 'b', 'c']) {
        made.push(keyId(await keysOn(database).create(parseGun(`example.com/${name}`), TIMESTAMP, 'ed25519')));
      }
      await database.database.updateTable('private_keys').set({ gun }).execute();

      expect(keyId(await keysOn(database).create(gun, TIMESTAMP, 'ed25519'))).toBe(made.sort()[0] as KeyId);
    });

    test('a key removed by another process is refused at the next use that is written', async () => {
      const database = await openDatabase();
      const clock = { now: new Date('2026-11-22T14:00:00Z') };
      const keys = keysOn(database, 'one', clock);
      const id = keyId(await keys.create(gun, TIMESTAMP, 'ecdsa'));
      const signer = await keys.signer(id);
      await signer?.sign(message);

      await keysOn(database).remove(id);
      clock.now = new Date('2026-11-22T14:01:00Z');

      expect(await codeOf(signer?.sign(message) ?? Promise.resolve())).toBe('not-found');
      expect(await keys.signer(id)).toBeUndefined();
    });

    test('rows exchanged under each other’s ID are refused, and so is a damaged row', async () => {
      const database = await openDatabase();
      const [one, two] = [
        await keysOn(database).create(gun, TIMESTAMP, 'ecdsa'),
        await keysOn(database).create(gun, SNAPSHOT, 'ecdsa'),
      ];
      const foreign = (await rowsOf(database)).find((row) => row.key_id === keyId(two))?.private ?? new Uint8Array();
      await database.database
        .updateTable('private_keys')
        .set({ private: foreign })
        .where('key_id', '=', keyId(one))
        .execute();

      expect(await codeOf(keysOn(database).signer(keyId(one)))).toBe('malformed');
      await database.database
        .updateTable('private_keys')
        .set({ private: Uint8Array.of(1, 2, 3) })
        .execute();
      expect(await codeOf(keysOn(database).signer(keyId(two)))).toBe('malformed');
    });

    test('the cache is bounded, and what left it can still sign', async () => {
      const database = await openDatabase();
      const keys = keysOn(database);
      const ids: KeyId[] = [];
      for (const name of ['a', 'b', 'c', 'd']) {
        ids.push(keyId(await keys.create(parseGun(`example.com/${name}`), TIMESTAMP, 'ed25519')));
      }

      for (const id of [...ids, ...ids]) expect((await (await keys.signer(id))?.sign(message))?.length).toBe(64);
    });

    test('S37 the rows of the recorded databases are taken over as they are', async () => {
      const database = await openDatabase();
      await database.database.insertInto('private_keys').values(recordedRows()).execute();
      const keys = keysOn(database);

      for (const { keyId: id, public: bytes, gun: name, role, lastUsed } of recordedServiceKeys) {
        const info = await keys.info(id);
        const signer = await keys.signer(id);

        expect(encodeBase64(signer?.key.bytes ?? new Uint8Array())).toBe(bytes);
        expect<unknown>([info?.gun, info?.role, info?.pending]).toEqual([name, role, lastUsed === null]);
      }
    });

    test("passphrases of aliases have Notary's variable names", () => {
      const env = { NOTARY_SIGNER_VEC_ALIAS_1: 'signer-pass-one', NOTARY_SIGNER_EMPTY: '' };

      expect(environmentAliasPassphrase(env, 'vec_alias_1')).toBe('signer-pass-one');
      expect(environmentAliasPassphrase(env, 'empty')).toBeUndefined();
    });
  });
}
