// SPDX-License-Identifier: Apache-2.0
import type { WebhookEvent } from './events.ts';
import { signatureHeaders } from './signature.ts';

/** Where messages go. The URL comes from the configuration and from nowhere else (S34). */
export interface WebhookEndpoint {
  /** Names it in logs, metrics and the table of cursors; the URL may hold a secret of its own. */
  readonly name: string;
  readonly url: string;
  readonly secret: Buffer;
  /** Which messages it gets; all unless said otherwise. */
  readonly events?: readonly WebhookEvent['type'][];
  /** PEM of the authority that its certificate is checked against, in place of the system's. */
  readonly ca?: string;
}

/** `refused`: it will not take this one, however often it is sent. `failed`: it may take it later. */
export type Delivery =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'refused' | 'failed'; readonly reason: string; readonly retryAfterMs?: number };

const TIMEOUT_MS = 10_000;
/** Refusals that pass: timeout, conflict, too early, too many. */
const PASSING = new Set([408, 409, 425, 429]);

/** Sends one message once. Follows no redirect, and reads nothing of the answer but its status (S34). */
export async function deliver(
  { url, secret, ca }: WebhookEndpoint,
  event: WebhookEvent,
  now: Date,
  signal: AbortSignal,
): Promise<Delivery> {
  const headers = {
    'Content-Type': 'application/json',
    'User-Agent': 'Hallmark-Webhook/1',
    ...signatureHeaders(secret, event.id, event.body, now),
  };
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: event.body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      ...(ca === undefined ? {} : { tls: { ca } }),
    });
    await response.body?.cancel();
    return judge(response);
  } catch (error) {
    return { outcome: 'failed', reason: reasonOf(error) };
  }
}

function judge({ ok, status, headers }: Response): Delivery {
  if (ok) return { outcome: 'delivered' };
  const reason = `status ${status}`;
  if (status < 500 && !PASSING.has(status)) return { outcome: 'refused', reason };
  const seconds = headers.get('retry-after') ?? '';
  return { outcome: 'failed', reason, ...(/^\d{1,5}$/.test(seconds) ? { retryAfterMs: Number(seconds) * 1000 } : {}) };
}

/** Without the URL, which an error's message may spell out. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
