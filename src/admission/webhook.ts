// SPDX-License-Identifier: Apache-2.0
import { pathAndQuery } from '../service/index.ts';
import { type AdmissionOptions, admit } from './admit.ts';
import { parseReview, ReviewError, reviewOf } from './review.ts';

export interface WebhookOptions extends AdmissionOptions {
  /** Told of what nobody foresaw; the object was refused then. */
  readonly onError: (error: unknown) => void;
}

/** An API server sends no more than three. */
const MAX_BODY = 8 * 1024 * 1024;

/** The webhook as a handler: `POST /admit`. Whatever goes wrong refuses the object. */
export function admissionWebhook(options: WebhookOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    const [pathname] = pathAndQuery(request.url);
    if (pathname === '/live' || pathname === '/ready') return new Response('ok\n');
    if (pathname !== '/admit') return new Response(null, { status: 404 });
    if (request.method !== 'POST') return new Response(null, { status: 405 });
    const text = await bodyOf(request);
    if (text === undefined) return new Response(null, { status: 413 });
    return review(text, options);
  };
}

async function review(text: string, options: WebhookOptions): Promise<Response> {
  try {
    const request = parseReview(text);
    try {
      return Response.json(reviewOf(request.uid, await admit(request, options)));
    } catch (error) {
      options.onError(error);
      return Response.json(
        reviewOf(request.uid, { allowed: false, code: 503, message: 'content trust: internal error' }),
      );
    }
  } catch (error) {
    if (error instanceof ReviewError) return new Response(`${error.message}\n`, { status: 400 });
    throw error;
  }
}

/** Undefined when there is more than any API server sends (S23). */
async function bodyOf(request: Request): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
