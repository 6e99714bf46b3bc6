// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import {
  type CheckResult,
  type NamedCheck,
  openSecrets,
  readPem,
  readSecretFile,
  runChecks,
  type StorageSettings,
  storageChecks,
} from '../../service/config/index.ts';
import { parseWebhookSecret } from '../../service/webhooks/index.ts';
import { keyDatabaseChecks } from '../../signing/key-database/index.ts';
import type { ServerSettings } from '../config/index.ts';
import { openAuth } from './open-auth.ts';
import { openRemoteKeys } from './remote-keys.ts';
import { STORAGE_SCHEMAS } from './schemas.ts';
import { loadServerTls, type StartContext } from './start-server.ts';

/** Tries all that a trust server's settings name, and changes nothing. */
export async function checkServer(settings: ServerSettings, context: StartContext): Promise<readonly CheckResult[]> {
  const told = settings.warnings.map((detail): CheckResult => ({ check: 'settings', result: 'warning', detail }));
  const found = await runChecks([
    ...tlsChecks(settings, context),
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
  ]);
  return [...told, ...found, ...(await openSecrets(secretsOf(settings)))];
}

function tlsChecks({ tls }: ServerSettings, { clock }: StartContext): readonly NamedCheck[] {
  if (tls === 'plain') return [];
  return [['certificate', async () => described((await loadServerTls(tls, clock())).cert)]];
}

function described(pem: string): string {
  const { subject, validToDate } = new X509Certificate(pem);
  return `${subject.replaceAll('\n', ', ')}, until ${validToDate.toISOString().slice(0, 10)}`;
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

function secretsOf({ tls, storage, keys, auth, webhooks }: ServerSettings): readonly (string | undefined)[] {
  const passwordOf = (settings: StorageSettings) => ('passwordFile' in settings ? settings.passwordFile : undefined);
  return [
    tls === 'plain' ? undefined : tls.key,
    passwordOf(storage),
    ...(keys.at === 'signer' ? [keys.tls.key] : []),
    ...(keys.at === 'database' ? [passwordOf(keys.storage), ...Object.values(keys.passphraseFiles)] : []),
    ...(auth.type === 'htpasswd' ? [auth.tokenKey] : []),
    ...webhooks.map(({ secretFile }) => secretFile),
  ];
}
