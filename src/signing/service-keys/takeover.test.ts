// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { SERVER_ENGINES, type ServerEngine, scratchDatabases } from '../../../test/support/databases.ts';
import { DUMP_PASSPHRASES, dumpedRows, restoreDump } from '../../../test/support/notary-dumps.ts';
import { definitionOf } from '../../../test/support/table-definitions.ts';
import { encodeBase64, encodeUtf8 } from '../../encoding/index.ts';
import { migrateSchemas, openDatabase } from '../../service/database/index.ts';
import { isSignatureValid, type KeyId, keyId, parseGun, SIGNATURE_METHODS, TIMESTAMP } from '../../tuf/index.ts';
import { openServiceKeys, SERVICE_KEY_SCHEMA } from './index.ts';

const message = encodeUtf8('message');
const options = {
  defaultAlias: 'vec_alias_2',
  passphrase: (alias: string) => DUMP_PASSPHRASES[alias],
  now: () => new Date('2026-11-23T00:00:00Z'),
};

for (const engine of SERVER_ENGINES) describeTakeOver(engine);

function describeTakeOver(engine: ServerEngine): void {
  const scratch = scratchDatabases(engine);
  const restored = async () => {
    const address = { ...(await scratch()), engine };
    await restoreDump(address, 'signer');
    return address;
  };

  describe(`a database of Notary's signer taken over (${engine})`, () => {
    test('its table stays as it was', async () => {
      const address = await restored();
      const definition = async () => {
        const { database } = await openDatabase(address);
        const lines = await definitionOf(database, engine, 'private_keys');
        await database.destroy();
        return lines;
      };
      const before = await definition();

      expect(await migrateSchemas(address, [SERVICE_KEY_SCHEMA])).toMatchObject([{ steps: ['0001_private_keys'] }]);
      expect(await definition()).toEqual(before);
    });

    test('S37 every key opens with the passphrase of its alias, and signs', async () => {
      const { keys, close } = await openServiceKeys(await restored(), options);
      await keys.check();
      for (const [id, gun, role, , , publicKey] of dumpedRows(engine).private_keys) {
        const info = await keys.info(id as KeyId);
        const signer = await keys.signer(id as KeyId);
        const bytes = (await signer?.sign(message)) ?? new Uint8Array();

        expect<unknown>([info?.gun, info?.role, info?.pending]).toEqual([gun, role, false]);
        const key = signer?.key ?? { type: '', bytes: new Uint8Array() };
        expect(encodeBase64(key.bytes)).toBe(publicKey);
        expect(isSignatureValid(key, message, { keyId: id as KeyId, method: SIGNATURE_METHODS.ecdsa, bytes })).toBe(
          true,
        );
      }
      await close();
    });

    test('a name that the table has no characters for is told as that', async () => {
      const { keys, close } = await openServiceKeys(await restored(), options);
      const made = keys.create(parseGun('example.com/vec/\u{1f40b}'), TIMESTAMP, 'ecdsa');

      if (engine === 'postgres') expect((await made).type).toBe('ecdsa');
      else await expect(made).rejects.toMatchObject({ name: 'ServiceKeyError', code: 'unstorable-name' });
      await close();
    });

    test('new keys stand beside the old ones; keys of names that the table takes for the same are not mixed up', async () => {
      const { keys, close } = await openServiceKeys(await restored(), options);

      const made = [];
      for (const name of ['example.com/vec/new', 'EXAMPLE.com/vec/new', 'éxample.com/vec/new']) {
        made.push(keyId(await keys.create(parseGun(name), TIMESTAMP, 'ecdsa')));
        expect((await keys.info(made.at(-1) as KeyId))?.gun).toBe(parseGun(name));
      }

      expect(new Set(made).size).toBe(3);
      await close();
    });
  });
}
