// SPDX-License-Identifier: Apache-2.0
/** notary-server's configuration (reference 11.2), to the letter. */

import { z } from 'zod';
import {
  levelOfNotary,
  listenOfNotary,
  notaryLogging,
  notaryPath,
  notaryReporting,
  notaryStorage,
  notaryText,
  notObeyed,
  type Refuse,
  storageOfNotary,
  translatedBy,
} from '../../service/config/index.ts';
import { parseAddress } from '../../service/index.ts';
import type { ServiceKeyAlgorithm } from '../../signing/service-keys/index.ts';
import { isGunPrefix } from '../gun-prefixes.ts';
import { DEFAULT_CACHE_AGES } from '../responses.ts';
import { DEFAULT_OPERATION, DEFAULT_SERVER_LIMITS, MAX_CACHE_SECONDS } from './rules.ts';
import type { AuthSettings, KeySettings, ServerSettings } from './settings.ts';

const shape = z.strictObject({
  server: z
    .strictObject({
      http_addr: notaryText(),
      tls_cert_file: notaryPath(),
      tls_key_file: notaryPath(),
      client_ca_file: notaryPath(),
    })
    .prefault({}),
  trust_service: z
    .strictObject({
      type: notaryText(),
      hostname: notaryText(),
      port: notaryText(),
      key_algorithm: notaryText(),
      tls_ca_file: notaryPath(),
      tls_client_cert: notaryPath(),
      tls_client_key: notaryPath(),
    })
    .prefault({}),
  storage: notaryStorage(),
  auth: z
    .strictObject({
      type: notaryText(),
      options: z
        .strictObject({
          realm: notaryText(),
          issuer: notaryText(),
          service: notaryText(),
          rootcertbundle: notaryPath(),
          autoredirect: z
            .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
            .optional(),
        })
        .optional(),
    })
    .prefault({}),
  caching: z
    .strictObject({
      max_age: z.strictObject({ current_metadata: notaryText(), consistent_metadata: notaryText() }).prefault({}),
    })
    .prefault({}),
  repositories: z.strictObject({ gun_prefixes: z.array(z.string()).optional() }).prefault({}),
  logging: notaryLogging(),
  reporting: notaryReporting(),
});

type Given = z.output<typeof shape>;

/** Notary's form of the server's configuration; wrong values are told in the original's words. */
export const notaryServerSchema = translatedBy(shape, translated);

function translated(given: Given, refuse: Refuse): ServerSettings | undefined {
  const keys = keysOf(given, refuse);
  const storage = storageOfNotary(given.storage, (backend) => `${backend} is not a supported storage backend`, refuse);
  const listen = listenOfNotary('http', given.server, refuse);
  const auth = authOf(given.auth, refuse);
  const rest = {
    ...DEFAULT_OPERATION,
    tls: tlsOf(given.server, refuse),
    keyAlgorithm: algorithmOf(given.trust_service, refuse),
    gunPrefixes: prefixesOf(given.repositories.gun_prefixes ?? [], refuse),
    limits: DEFAULT_SERVER_LIMITS,
    cacheAges: cacheAgesOf(given.caching.max_age, refuse),
    logLevel: levelOfNotary(given.logging, refuse),
    warnings: warningsOf(given),
  };
  if (keys === undefined || storage === undefined || listen === undefined || auth === undefined) return undefined;
  return { listen, keys, storage, auth, ...rest };
}

/** Both or neither, as for the original: a half is a mistake, never plain HTTP (S8). */
function tlsOf(given: Given['server'], refuse: Refuse): ServerSettings['tls'] {
  const { tls_cert_file: cert, tls_key_file: key, client_ca_file: clientCa } = given;
  if (cert !== undefined && key !== undefined) return { cert, key, clientCa };
  if (cert !== undefined || key !== undefined || clientCa !== undefined) {
    refuse(['server'], 'either include both a cert and key file, or no TLS information at all to disable TLS');
  }
  return 'plain';
}

function keysOf({ trust_service: service }: Given, refuse: Refuse): KeySettings | undefined {
  const at = 'trust_service';
  if (service.type === 'local') return { at: 'memory' };
  if (service.type !== 'remote') {
    refuse([at, 'type'], 'must specify either a "local" or "remote" type for trust_service');
    return undefined;
  }
  const { hostname, port, tls_ca_file: ca, tls_client_cert: cert, tls_client_key: key } = service;
  if ((cert === undefined) !== (key === undefined)) {
    refuse([at], 'either pass both client key and cert, or neither');
    return undefined;
  }
  const address = parseAddress(`${hostname?.includes(':') ? `[${hostname}]` : hostname}:${port}`);
  if (hostname === undefined || address === undefined) refuse([at], 'hostname and port of the signing service needed');
  // whoever may ask for signatures is known by certificate alone (S4)
  const mutual = 'needed: a signing service is spoken to with mutual TLS alone';
  if (ca === undefined) refuse([at, 'tls_ca_file'], mutual);
  if (cert === undefined) refuse([at, 'tls_client_cert'], mutual);
  if (address === undefined || ca === undefined || cert === undefined || key === undefined) return undefined;
  return { at: 'signer', ...address, tls: { ca, cert, key } };
}

function algorithmOf({ type, key_algorithm: algorithm }: Given['trust_service'], refuse: Refuse): ServiceKeyAlgorithm {
  if (type === 'local') return 'ed25519';
  if (type !== 'remote' || algorithm === 'ecdsa' || algorithm === 'ed25519')
    return algorithm === 'ed25519' ? algorithm : 'ecdsa';
  // the original starts with rsa, and then its signer refuses to make any key
  const message =
    algorithm === 'rsa'
      ? 'rsa keys are made by no signing service'
      : `invalid key algorithm configured: ${algorithm ?? ''}`;
  refuse(['trust_service', 'key_algorithm'], message);
  return 'ecdsa';
}

/** The original takes any type but `token` as "let everybody in"; a slip of the finger must not do that (reference 12.2). */
function authOf({ type, options }: Given['auth'], refuse: Refuse): AuthSettings | undefined {
  if (type === undefined) {
    if (options !== undefined) refuse(['auth', 'type'], 'is missing: nobody would be asked who they are');
    return { type: 'none' };
  }
  if (type !== 'token') {
    refuse(['auth', 'type'], `unknown: ${JSON.stringify(type)}; token is the only one, and leave auth out for none`);
    return undefined;
  }
  if (options === undefined) {
    refuse(['auth', 'options'], 'auth.options must be a map[string]interface{}');
    return undefined;
  }
  const { realm, issuer, service, rootcertbundle: certificates, autoredirect: autoRedirect = false } = options;
  for (const name of ['realm', 'issuer', 'service', 'rootcertbundle'] as const) {
    if (options[name] === undefined)
      refuse(['auth', 'options', name], `token auth requires a valid option string: ${name}`);
  }
  if (realm === undefined || issuer === undefined || service === undefined || certificates === undefined)
    return undefined;
  return { type, realm, issuer, service, certificates, autoRedirect, skew: 60, publicRead: false };
}

function prefixesOf(prefixes: readonly string[], refuse: Refuse): readonly string[] {
  for (const [index, prefix] of prefixes.entries()) {
    if (!isGunPrefix(prefix)) refuse(['repositories', 'gun_prefixes', String(index)], `invalid GUN prefix ${prefix}`);
  }
  return prefixes;
}

function cacheAgesOf(given: Given['caching']['max_age'], refuse: Refuse) {
  const ageOf = (key: keyof typeof given, byDefault: number) => {
    const text = given[key];
    if (text === undefined) return byDefault;
    const seconds = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (seconds >= 0 && seconds <= MAX_CACHE_SECONDS) return seconds;
    refuse(['caching', 'max_age', key], `must specify a cache-control max-age between 0 and ${MAX_CACHE_SECONDS}`);
    return byDefault;
  };
  return {
    current: ageOf('current_metadata', DEFAULT_CACHE_AGES.current),
    consistent: ageOf('consistent_metadata', DEFAULT_CACHE_AGES.consistent),
  };
}

function warningsOf(given: Given): readonly string[] {
  const { server, trust_service: service, storage, auth } = given;
  const warnings = [...notObeyed(given)];
  if (storage.default_alias !== undefined) warnings.push('storage.default_alias is of the signing service alone');
  if (server.tls_cert_file === undefined) {
    warnings.push(
      'no TLS: whoever is on the way sees and changes what is sent, unless a proxy before this server speaks TLS',
    );
  }
  if (service.type === 'local') {
    warnings.push(
      'trust_service.type local: keys are in memory alone and ed25519, all other parameters of trust_service are ignored;' +
        ' after a restart no repository made before can be changed',
    );
  }
  if (auth.type === undefined) warnings.push('no auth: whoever reaches this server can publish, delete and make keys');
  return warnings;
}
