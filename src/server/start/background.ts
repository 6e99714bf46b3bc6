// SPDX-License-Identifier: Apache-2.0
/** What a trust server does beside answering: renewal, notices of expiry, the audit file, webhooks. */
import { hostname } from 'node:os';
import { AuditWriter } from '../../service/audit/index.ts';
import { readPem, readSecretFile } from '../../service/config/index.ts';
import type { Coordination } from '../../service/coordination/index.ts';
import type { Log } from '../../service/index.ts';
import { parseWebhookSecret, type WebhookEndpoint, Webhooks } from '../../service/webhooks/index.ts';
import type { ServiceKeys } from '../../signing/service-keys/index.ts';
import type { OperationSettings, WebhookSettings } from '../config/index.ts';
import type { TrustMetrics } from '../observation/index.ts';
import type { Refresher } from '../refresh.ts';
import { ExpiryNotices, HORIZON_ROLES, Renewer } from '../renewal/index.ts';
import type { MetadataStorage } from '../storage/index.ts';

export interface BackgroundContext {
  readonly storage: MetadataStorage;
  readonly keys: ServiceKeys;
  readonly coordination: Coordination;
  readonly refresher: Pick<Refresher, 'renew'>;
  readonly metrics: TrustMetrics;
  readonly clock: () => Date;
  readonly log: Log;
}

export interface Background {
  /** Resolves once what is under way has ended, and what was recorded is in the audit file. */
  stop(): Promise<void>;
}

/**
 * @throws SecretFileError, WebhookSecretError, AuditFileError: what was asked for is not silently left out
 */
export async function startBackground(settings: OperationSettings, context: BackgroundContext): Promise<Background> {
  const { storage, coordination, clock, log, metrics } = context;
  // tells this process from the others: two on one machine, or a pod that came back under its old name
  const holder = `${hostname()} ${process.pid} ${crypto.randomUUID()}`;
  const { timestamp, snapshot, perSecond, notice } = settings.renewal;
  const leads = { timestamp: timestamp * 1000, snapshot: snapshot * 1000 };
  const count = (role: string, outcome: string) => metrics.renewed({ role, outcome });
  const renewer = new Renewer({ ...context, holder, leads, perSecond, count });
  const notices = new ExpiryNotices({ ...context, holder, lead: notice * 1000 });
  metrics.watchExpiry(HORIZON_ROLES, (role) => notices.horizon(role));
  const endpoints = await Promise.all(settings.webhooks.map(endpointOf));
  const delivered = (endpoint: string, outcome: string) => metrics.delivered({ endpoint, outcome });
  const webhooks = new Webhooks({ endpoints, source: storage, coordination, holder, clock, log, count: delivered });
  const audit =
    settings.audit &&
    (await AuditWriter.open({
      source: storage,
      path: settings.audit.file,
      coordination,
      name: settings.audit.name ?? hostname(),
      log,
    }));
  for (const part of [renewer, notices, webhooks, audit]) part?.start();
  return {
    async stop() {
      await Promise.all([renewer.stop(), notices.stop(), webhooks.stop()]);
      // last, since the others record what they do
      await audit?.stop();
    },
  };
}

async function endpointOf({ name, url, secretFile, events, ca }: WebhookSettings): Promise<WebhookEndpoint> {
  const secret = parseWebhookSecret(await readSecretFile(secretFile));
  const about = events === undefined ? {} : { events };
  return { name, url, secret, ...about, ...(ca === undefined ? {} : { ca: await readPem(ca) }) };
}
