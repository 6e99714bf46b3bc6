// SPDX-License-Identifier: Apache-2.0
/** Hallmark's own form of the server's configuration: documented in docs/configuration.md. */
import { z } from 'zod';
import {
  address,
  clientTlsSection,
  filePath,
  loggingSection,
  operationsSection,
  serverTlsSection,
  size,
  span,
  storageSection,
  translatedBy,
} from '../../service/config/index.ts';
import { MAX_LISTEN_SECONDS } from '../../service/index.ts';
import { isGunPrefix } from '../gun-prefixes.ts';
import { MAX_VERSION } from '../limits.ts';
import type { RequestBudgets } from '../request-limits.ts';
import { DEFAULT_CACHE_AGES } from '../responses.ts';
import { authSection } from './own-auth.ts';
import {
  auditSection,
  consoleSection,
  proxiesSection,
  renewalSection,
  tracingSection,
  webhooksSection,
} from './own-operation.ts';
import { DEFAULT_SERVER_LIMITS, MAX_BODY_SECONDS, MAX_CACHE_SECONDS } from './rules.ts';
import type { KeySettings, ServerLimits, ServerSettings } from './settings.ts';

const roleBytes = z.strictObject({
  root: size().optional(),
  targets: size().optional(),
  snapshot: size().optional(),
  timestamp: size().optional(),
});

const budget = z.strictObject({ perSecond: z.number().positive(), burst: z.int().min(1) }).optional();

const limits = z
  .strictObject({
    body: size().optional().meta({ description: 'one request, in all' }),
    files: z.int().min(1).optional().meta({ description: 'files in one update' }),
    file: roleBytes.prefault({}).meta({ description: 'one file, by its role; delegations are targets' }),
    versionJump: z.int().min(1).max(MAX_VERSION).optional(),
    idle: span()
      .refine((seconds) => seconds >= 1 && seconds <= MAX_LISTEN_SECONDS, 'is not 1s to 255s')
      .optional(),
    bodyTime: span()
      .refine((seconds) => seconds >= 1 && seconds <= MAX_BODY_SECONDS, `is not 1s to ${MAX_BODY_SECONDS}s`)
      .optional()
      .meta({ description: 'in which a whole body must have come' }),
    drain: span().optional().meta({ description: 'which requests under way have when the server stops' }),
    rates: z
      .strictObject({ reads: budget, writes: budget, keys: budget })
      .prefault({})
      .meta({ description: 'how often one user, or one address, may do what' }),
    stopDelay: span().optional().meta({ description: 'for which it still accepts after it said that it is not ready' }),
  })
  .prefault({});

const cacheAge = (byDefault: number) =>
  z.int().min(0).max(MAX_CACHE_SECONDS).default(byDefault).meta({ description: 'seconds; 0 forbids it' });

const shape = z.strictObject({
  server: z.strictObject({
    listen: address(),
    tls: serverTlsSection().optional(),
    plaintext: z.boolean().default(false).meta({ description: 'HTTP without TLS: only behind a proxy that speaks it' }),
    proxies: proxiesSection(),
  }),
  storage: storageSection(),
  signer: z
    .strictObject({ address: address(), tls: clientTlsSection() })
    .optional()
    .meta({ description: 'the signing service that holds the keys; else keys' }),
  keys: z
    .strictObject({
      storage: storageSection(),
      defaultAlias: z.string().regex(/^\w+$/, 'is letters, digits and _ alone').default('hallmark'),
      passphraseFiles: z.record(z.string().regex(/^\w+$/), filePath()).default({}),
    })
    .optional()
    .meta({ description: 'keys held by the server itself; else signer' }),
  keyAlgorithm: z.enum(['ecdsa', 'ed25519']).default('ecdsa'),
  auth: authSection(),
  repositories: z
    .strictObject({
      prefixes: z.array(z.string().refine(isGunPrefix, 'is no prefix such as docker.io/acme/')).default([]),
    })
    .prefault({}),
  limits,
  caching: z
    .strictObject({
      current: cacheAge(DEFAULT_CACHE_AGES.current),
      consistent: cacheAge(DEFAULT_CACHE_AGES.consistent),
    })
    .prefault({}),
  renewal: renewalSection(),
  operations: operationsSection(),
  console: consoleSection(),
  audit: auditSection(),
  webhooks: webhooksSection(),
  tracing: tracingSection(),
  logging: loggingSection(),
});

type Given = z.output<typeof shape>;

/** Hallmark's own form of the server's configuration. */
export const ownServerSchema = translatedBy(shape, (given, refuse): ServerSettings | undefined => {
  const { listen, tls, plaintext } = given.server;
  if ((tls === undefined) !== plaintext) {
    refuse(
      ['server'],
      tls === undefined ? 'tls is missing (plaintext: true where a proxy speaks it)' : 'either tls or plaintext',
    );
  }
  const keys = keysOf(given);
  if (keys === undefined) {
    refuse([], 'either signer (a service of its own) or keys (held by this server) is needed');
    return undefined;
  }
  return {
    listen,
    tls: tls ?? 'plain',
    storage: given.storage,
    keys,
    keyAlgorithm: given.keyAlgorithm,
    auth: given.auth,
    gunPrefixes: given.repositories.prefixes,
    limits: limitsOf(given.limits),
    cacheAges: given.caching,
    proxies: given.server.proxies,
    renewal: given.renewal,
    operations: given.operations?.listen,
    console: given.console,
    audit: given.audit,
    webhooks: given.webhooks,
    tracing: given.tracing,
    logLevel: given.logging.level,
    warnings: plaintext ? ['plaintext: only a proxy on this machine or network may reach this server'] : [],
  };
});

function keysOf({ signer, keys }: Given): KeySettings | undefined {
  if ((signer === undefined) === (keys === undefined)) return undefined;
  if (signer !== undefined) return { at: 'signer', ...signer.address, tls: signer.tls };
  return keys?.storage.engine === 'memory' ? { at: 'memory' } : keys && { at: 'database', ...keys };
}

function limitsOf(given: Given['limits']): ServerLimits {
  const { update, rates } = DEFAULT_SERVER_LIMITS;
  const { body, bodyTime, file, files, versionJump, idle, drain, stopDelay } = given;
  return over(DEFAULT_SERVER_LIMITS, {
    update: over(update, {
      bodyBytes: body,
      bodyMs: bodyTime === undefined ? undefined : bodyTime * 1000,
      files,
      roleBytes: over(update.roleBytes, file),
      versionJump,
    }),
    idleSeconds: idle,
    drainSeconds: drain,
    stopDelaySeconds: stopDelay,
    rates: over<RequestBudgets>(rates, given.rates),
  });
}

/** The defaults, with what was given in their places. */
function over<T extends object>(defaults: T, given: { readonly [Name in keyof T]?: T[Name] | undefined }): T {
  return { ...defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}
