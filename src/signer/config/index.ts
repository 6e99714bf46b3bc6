// SPDX-License-Identifier: Apache-2.0
/**
 * The signing service's configuration, in Notary's form or in Hallmark's own. It opens nothing and believes nothing.
 *
 *     const { settings } = await loadSignerConfig('/etc/hallmark/signer.yaml', process.env);
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
import { notarySignerSchema } from './notary.ts';
import { ownSignerSchema } from './own.ts';
import type { SignerSettings } from './settings.ts';

export type { SignerKeySettings, SignerSettings } from './settings.ts';

const FORMS: ConfigForms<SignerSettings> = {
  notary: { schema: notarySignerSchema, prefix: 'NOTARY_SIGNER_' },
  own: { schema: ownSignerSchema, prefix: 'HALLMARK_SIGNER_', ownsPrefix: true },
};

/** @param only the form to read it as, whatever its keys look like. @throws ConfigError */
export function loadSignerConfig(
  file: string,
  env: Environment,
  only?: FormName,
): Promise<LoadedConfig<SignerSettings>> {
  return loadServiceConfig(file, env, FORMS, only);
}

/** JSON Schema of a configuration file in that form. */
export function signerConfigSchema(form: FormName): ConfigJsonSchema {
  return jsonSchemaOf(FORMS[form].schema);
}
