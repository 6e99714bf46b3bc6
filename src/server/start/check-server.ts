// SPDX-License-Identifier: Apache-2.0
import {
  type CheckResult,
  certificateCheck,
  type NamedCheck,
  readPem,
  readSecretFile,
  runChecks,
  storageChecks,
  storageSecret,
} from '../../service/config/index.ts';
import { parseWebhookSecret } from '../../service/webhooks/index.ts';
import { keyDatabaseChecks, keyDatabaseSecrets } from '../../signing/key-database/index.ts';
import type { ServerSettings, TracingSettings } from '../config/index.ts';
import { openAuth } from './open-auth.ts';
import { openRemoteKeys } from './remote-keys.ts';
import { STORAGE_SCHEMAS } from './schemas.ts';
import { loadServerTls, type StartContext } from './start-server.ts';
import { readHeaders } from './tracing-headers.ts';

/** Tries all that a trust server's settings name, and changes nothing. */
export async function checkServer(settings: ServerSettings, context: StartContext): Promise<readonly CheckResult[]> {
  const { tls, warnings, tracing } = settings;
  const checks: readonly NamedCheck[] = [
    ...(tls === 'plain' ? [] : [certificateCheck(() => loadServerTls(tls, context.clock()), context.clock())]),
    ...storageChecks('database', settings.storage, STORAGE_SCHEMAS),
    ...keyChecks(settings, context),
    ['authentication', async () => (await openAuth(settings.auth, context.clock, context.log)) && settings.auth.type],
    ...settings.webhooks.map(
      ({ name, secretFile, ca }): NamedCheck => [
        `webhook ${name}`,
        async () => {
          parseWebhookSecret(await readSecretFile(secretFile));
          if (ca !== undefined) await readPem(ca);
          return 'its files can be read; it is not called';
        },
      ],
    ),
    ...(tracing === undefined ? [] : [tracingCheck(tracing)]),
  ];
  return runChecks({ warnings, checks, secrets: secretsOf(settings) });
}

function tracingCheck({ headerFiles }: TracingSettings): NamedCheck {
  const look = async () => {
    await readHeaders(headerFiles);
    return 'its files can be read; it is not called';
  };
  return ['tracing', look];
}

function keyChecks({ keys }: ServerSettings, context: StartContext): readonly NamedCheck[] {
  switch (keys.at) {
    case 'memory':
      return [];
    case 'database':
      return keyDatabaseChecks(keys, context);
    case 'signer':
      return [
        [
          'signing service',
          async () => {
            const opened = await openRemoteKeys(keys, context.clock, context.log);
            try {
              await opened.check();
              return `${keys.hostname}:${keys.port} answers, with certificates on both sides`;
            } finally {
              await opened.close();
            }
          },
        ],
      ];
    default:
      return keys satisfies never;
  }
}

function secretsOf({ tls, storage, keys, auth, webhooks, tracing }: ServerSettings): readonly (string | undefined)[] {
  return [
    tls === 'plain' ? undefined : tls.key,
    storageSecret(storage),
    ...(keys.at === 'signer' ? [keys.tls.key] : []),
    ...(keys.at === 'database' ? keyDatabaseSecrets(keys) : []),
    ...(auth.type === 'htpasswd' ? [auth.tokenKey] : []),
    ...webhooks.map(({ secretFile }) => secretFile),
    ...Object.values(tracing?.headerFiles ?? {}),
  ];
}
