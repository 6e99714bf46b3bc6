// SPDX-License-Identifier: Apache-2.0
/** notary-signer's configuration (reference 11.3), to the letter; but for its client authority, which has to be there. */
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
import type { SignerSettings } from './settings.ts';

const shape = z.strictObject({
  server: z
    .strictObject({
      grpc_addr: notaryText(),
      // once there was an HTTP API: the key is still in configurations that were written for it
      http_addr: notaryText(),
      tls_cert_file: notaryPath(),
      tls_key_file: notaryPath(),
      client_ca_file: notaryPath(),
    })
    .prefault({}),
  storage: notaryStorage(),
  // the variable NOTARY_SIGNER_DEFAULT_ALIAS is of this name, though no file has it (reference 7.4)
  default_alias: notaryText(),
  logging: notaryLogging(),
  reporting: notaryReporting(),
});

type Given = z.output<typeof shape>;

/** Notary's form of the signer's configuration; wrong values are told in the original's words. */
export const notarySignerSchema = translatedBy(shape, translated);

const BACKENDS = '[memory mysql sqlite3 rethinkdb postgres]';

function translated(given: Given, refuse: Refuse): SignerSettings | undefined {
  const { server, storage: stored } = given;
  const unsupported = (backend: string) => `${backend} is not an allowed backend, must be one of: ${BACKENDS}`;
  const storage = storageOfNotary(stored, unsupported, refuse);
  const listen = listenOfNotary('grpc', server, refuse);
  const tls = tlsOf(server, refuse);
  const defaultAlias = stored.default_alias ?? given.default_alias ?? '';
  if (stored.backend !== 'memory' && defaultAlias === '') {
    refuse(['storage', 'default_alias'], 'must provide a default alias for the key DB');
  }
  const logLevel = levelOfNotary(given.logging, refuse);
  if (storage === undefined || listen === undefined || tls === undefined) return undefined;
  const keys = { at: 'database', storage, defaultAlias, passphraseFiles: {} } as const;
  return { listen, tls, keys, clients: {}, limits: {}, logLevel, warnings: warningsOf(given) };
}

function tlsOf(given: Given['server'], refuse: Refuse): SignerSettings['tls'] | undefined {
  const { tls_cert_file: cert, tls_key_file: key, client_ca_file: clientCa } = given;
  if (cert === undefined || key === undefined) {
    const quoted = [cert, key].map((path) => JSON.stringify(path ?? ''));
    refuse(['server'], `unable to set up TLS: Could not load X509 key pair (cert: ${quoted[0]}, key: ${quoted[1]})`);
  }
  if (clientCa === undefined) {
    refuse(['server', 'client_ca_file'], 'needed: without it whoever reaches this service could have anything signed');
  }
  return cert === undefined || key === undefined || clientCa === undefined ? undefined : { cert, key, clientCa };
}

function warningsOf(given: Given): readonly string[] {
  const { server, storage } = given;
  const warnings = [...notObeyed(given)];
  if (server.http_addr !== undefined) warnings.push('server.http_addr: signing services have no HTTP API any more');
  if (storage.backend === 'memory') {
    warnings.push(
      'storage.backend memory: keys are gone with the process, and then no repository can be changed again',
    );
  }
  return warnings;
}
