// SPDX-License-Identifier: Apache-2.0
/** Hallmark's own form of the signing service's configuration: documented in docs/configuration.md. */
import { z } from 'zod';
import {
  address,
  filePath,
  loggingSection,
  operationsSection,
  span,
  storageSection,
  translatedBy,
} from '../../service/config/index.ts';
import type { SignerKeySettings, SignerSettings } from './settings.ts';

const alias = () => z.string().regex(/^\w+$/, 'is letters, digits and _ alone');

const names = () => z.array(z.string().min(1)).min(1).optional();

/** Without time no call could be answered. */
const deadline = () => span().refine((seconds) => seconds >= 1, 'is not at least 1s');

const shape = z.strictObject({
  signer: z.strictObject({
    listen: address(),
    tls: z.strictObject({
      cert: filePath(),
      key: filePath(),
      clientCa: filePath().meta({
        format: 'path',
        description: 'who asks for signatures has a certificate of this authority',
      }),
    }),
  }),
  storage: storageSection().optional().meta({ description: 'where encrypted keys are kept; else token' }),
  token: z
    .strictObject({
      uri: z.string().startsWith('pkcs11:', 'is no URI of a token (RFC 7512)'),
      pinFile: filePath(),
    })
    .optional()
    .meta({ description: 'a PKCS#11 token that holds the keys; else storage' }),
  keys: z
    .strictObject({
      defaultAlias: alias().default('hallmark'),
      passphraseFiles: z.record(alias(), filePath()).default({}),
    })
    .prefault({}),
  clients: z
    .strictObject({ create: names(), remove: names(), info: names(), sign: names() })
    .prefault({})
    .meta({ description: 'names in client certificates; an operation that is left out is open to every accepted one' }),
  limits: z
    .strictObject({ inFlight: z.int().min(1).max(10_000).optional(), deadline: deadline().optional() })
    .prefault({}),
  operations: operationsSection(),
  logging: loggingSection(),
});

/** Hallmark's own form of the signing service's configuration. */
export const ownSignerSchema = translatedBy(shape, (given, refuse): SignerSettings | undefined => {
  const { signer, storage, clients, limits, operations, logging } = given;
  const keys = keysOf(given);
  if (keys === undefined) {
    refuse([], 'either storage (keys in a database) or token (keys in a PKCS#11 token) is needed');
    return undefined;
  }
  return {
    ...signer,
    keys,
    clients,
    limits,
    operations: operations?.listen,
    logLevel: logging.level,
    warnings: storage?.engine === 'memory' ? ['storage in memory: keys are gone with the process'] : [],
  };
});

function keysOf({ storage, token, keys }: z.output<typeof shape>): SignerKeySettings | undefined {
  if (storage !== undefined) return token === undefined ? { at: 'database', storage, ...keys } : undefined;
  return token && { at: 'token', ...token };
}
