// SPDX-License-Identifier: Apache-2.0
import type { z } from 'zod';
import { isRecord, readConfigDocument } from './document.ts';
import type { Environment } from './environment.ts';
import { understand } from './load.ts';

/** One way to write a configuration. */
export interface ConfigForm<Settings> {
  readonly schema: z.ZodType<Settings>;
  /** Of the environment variables that stand in for its keys. */
  readonly prefix: string;
  /** Whether nothing else has variables with that prefix; under Notary's a signer has passphrases too. */
  readonly ownsPrefix?: boolean;
}

/** The two ways to write the configuration of one service: as Notary's service reads it, and Hallmark's own. */
export interface ConfigForms<Settings> {
  readonly notary: ConfigForm<Settings>;
  readonly own: ConfigForm<Settings>;
}

export type FormName = 'notary' | 'own';

export interface LoadedConfig<Settings> {
  readonly settings: Settings;
  readonly form: FormName;
}

/**
 * Reads a service's configuration; its keys say which form it has, unless `only` does.
 * @throws ConfigError
 */
export async function loadServiceConfig<Settings>(
  file: string,
  env: Environment,
  forms: ConfigForms<Settings>,
  only?: FormName,
): Promise<LoadedConfig<Settings>> {
  const plain = await readConfigDocument(file);
  const form = only ?? (isNotaryForm(plain.root) ? 'notary' : 'own');
  const document = form === 'notary' ? await readConfigDocument(file, { ignoreCase: true }) : plain;
  return { settings: understand(document, { ...forms[form], env }), form };
}

/** Keys that only Notary's form has, by the section that they stand in. */
const NOTARY_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['server', ['http_addr', 'grpc_addr', 'tls_cert_file', 'tls_key_file', 'client_ca_file']],
  ['storage', ['backend', 'db_url', 'default_alias']],
  ['caching', ['max_age']],
  ['repositories', ['gun_prefixes']],
  ['auth', ['options']],
  ['trust_service', []],
  ['reporting', []],
]);

function isNotaryForm(root: unknown): boolean {
  if (!isRecord(root)) return false;
  return Object.entries(root).some(([section, value]) => {
    const keys = NOTARY_KEYS.get(section.toLowerCase());
    if (keys === undefined) return false;
    return keys.length === 0 || (isRecord(value) && Object.keys(value).some((key) => keys.includes(key.toLowerCase())));
  });
}
