// SPDX-License-Identifier: Apache-2.0
/**
 * The trust server's configuration, in Notary's form or in Hallmark's own. It opens nothing and believes nothing: what
 * files hold, and whether a database is there, shows when the server starts.
 *
 *     const { settings } = await loadServerConfig('/etc/hallmark/server.yaml', process.env);
 */
import {
  type ConfigForms,
  type ConfigJsonSchema,
  type Environment,
  type FormName,
  jsonSchemaOf,
  type LoadedConfig,
  loadServiceConfig,
} from '../../service/config/index.ts';
import { notaryServerSchema } from './notary.ts';
import { ownServerSchema } from './own.ts';
import type { ServerSettings } from './settings.ts';

export type { FormName } from '../../service/config/index.ts';
export { ANSWER_SECONDS, DEFAULT_OPERATION, DEFAULT_SERVER_LIMITS } from './rules.ts';
export type {
  AuthSettings,
  KeySettings,
  OperationSettings,
  ServerSettings,
  TracingSettings,
  WebhookSettings,
} from './settings.ts';

const FORMS: ConfigForms<ServerSettings> = {
  notary: { schema: notaryServerSchema, prefix: 'NOTARY_SERVER_' },
  own: { schema: ownServerSchema, prefix: 'HALLMARK_SERVER_', ownsPrefix: true },
};

/** @param only the form to read it as, whatever its keys look like. @throws ConfigError */
export function loadServerConfig(
  file: string,
  env: Environment,
  only?: FormName,
): Promise<LoadedConfig<ServerSettings>> {
  return loadServiceConfig(file, env, FORMS, only);
}

/** JSON Schema of a configuration file in that form. */
export function serverConfigSchema(form: FormName): ConfigJsonSchema {
  return jsonSchemaOf(FORMS[form].schema);
}
