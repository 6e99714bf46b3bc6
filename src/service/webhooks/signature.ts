// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto';

/** A secret that is none, or too short to be one. */
export class WebhookSecretError extends Error {
  override readonly name = 'WebhookSecretError';
}

const PREFIX = 'whsec_';
const MIN_BYTES = 24;

/**
 * The secret in a file's text: base64 behind `whsec_` as the Standard Webhooks specification spells it, else the text
 * itself without its final line feed. @throws WebhookSecretError
 */
export function parseWebhookSecret(text: string): Buffer {
  const plain = text.replace(/\r?\n$/, '');
  const secret = plain.startsWith(PREFIX) ? Buffer.from(plain.slice(PREFIX.length), 'base64') : Buffer.from(plain);
  if (secret.length < MIN_BYTES) {
    throw new WebhookSecretError(`the secret of a webhook needs at least ${MIN_BYTES} bytes`);
  }
  return secret;
}

/**
 * The headers of the Standard Webhooks specification: who holds the secret can tell that the body is ours, that it is
 * this message, and from when.
 */
export function signatureHeaders(
  secret: Buffer,
  id: string,
  body: string,
  now: Date,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` };
}
