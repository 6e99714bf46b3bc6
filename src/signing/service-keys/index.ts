// SPDX-License-Identifier: Apache-2.0
/**
 * The keys that a service signs with on behalf of publishers: made on request, encrypted at rest in Notary's own table.
 * It never decides what may be signed. Not part of the library.
 *
 *     const passphrase = (alias: string) => environmentAliasPassphrase(process.env, alias);
 *     const options = { defaultAlias: 'prod', passphrase, now: () => new Date() };
 *     const { keys, close } = await openServiceKeys({ engine: 'mysql', url: 'me@tcp(db)/signer' }, options);
 *     const key = await keys.create(gun, TIMESTAMP, 'ecdsa');
 *     const signer = await keys.signer(keyId(key));
 */
export { ServiceKeyError } from './errors.ts';
export { type OpenedServiceKeys, openServiceKeys } from './open-keys.ts';
export type { PassphraseRotationReport } from './rotate-passphrase.ts';
export { SERVICE_KEY_SCHEMA, type ServiceKeyTables } from './schema.ts';
export {
  assertReachable,
  MemoryServiceKeys,
  type ServiceKeyAlgorithm,
  type ServiceKeyInfo,
  type ServiceKeys,
} from './service-keys.ts';
export { environmentAliasPassphrase, SqlServiceKeys } from './sql-keys.ts';
