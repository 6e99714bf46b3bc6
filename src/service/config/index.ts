// SPDX-License-Identifier: Apache-2.0
/**
 * Reads configurations of services: JSON or YAML, values of the environment, paths relative to the file, secrets from
 * files. It knows no key of any service: what may be said is a schema that the service brings. A key that the schema
 * does not know is an error, since a setting that is silently not obeyed is worse than a service that does not start.
 *
 *     const document = await readConfigDocument('/etc/hallmark/server.yaml');
 *     const config = understand(document, { schema, env: process.env, prefix: 'HALLMARK_SERVER_' });
 */
export { aliasPassphrases } from './alias-passphrases.ts';
export { type CheckResult, certificateCheck, type NamedCheck, runChecks } from './checks.ts';
export { databaseAddress, readPem } from './database.ts';
export { isRecord, readConfigDocument } from './document.ts';
export type { Environment } from './environment.ts';
export { ConfigError } from './errors.ts';
export { type ConfigForms, type FormName, type LoadedConfig, loadServiceConfig } from './forms.ts';
export { type ConfigJsonSchema, jsonSchemaOf } from './known-keys.ts';
export { understand } from './load.ts';
export {
  levelOfNotary,
  listenOfNotary,
  notaryLogging,
  notaryPath,
  notaryReporting,
  notaryStorage,
  notaryText,
  notObeyed,
  storageOfNotary,
} from './notary-sections.ts';
export { readSecretFile, SecretFileError } from './secret-file.ts';
export {
  clientTlsSection,
  loggingSection,
  operationsSection,
  type ServerTlsPaths,
  type StorageSettings,
  serverTlsSection,
  storageSection,
  type TlsPaths,
} from './sections.ts';
export { storageChecks, storageSecret } from './storage-checks.ts';
export { type Refuse, translatedBy } from './translation.ts';
export { address, filePath, size, span } from './values.ts';
