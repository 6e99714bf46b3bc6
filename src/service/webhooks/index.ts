// SPDX-License-Identifier: Apache-2.0
/**
 * Tells other programs what happened: signed messages over HTTP, at least once, in the order of the audit log. It never
 * asks for a URL that did not come from the configuration, and never holds up whoever caused an event.
 *
 *     const secret = parseWebhookSecret(await readFile(secretFile, 'utf8'));
 *     const webhooks = new Webhooks({ endpoints: [{ name: 'ci', url, secret }], source: storage, coordination, … });
 *     webhooks.start();
 *     await webhooks.stop();
 */
export type { WebhookEndpoint } from './deliver.ts';
export { Webhooks } from './dispatcher.ts';
export { WEBHOOK_EVENTS, type WebhookEventType } from './events.ts';
export { parseWebhookSecret } from './signature.ts';
