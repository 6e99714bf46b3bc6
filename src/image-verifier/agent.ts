// SPDX-License-Identifier: Apache-2.0
import type { PolicyEngine } from '../policy/index.ts';
import { judge } from './judge.ts';
import { type Answer, checkQuestion, QuestionError } from './question.ts';

/** A question is a name and a digest. */
const MAX_BODY = 4096;

/**
 * The agent's side of the socket: `POST /decide` with `{name, digest}`, answered with `{allowed, reason}`. Whoever may open
 * the socket may ask; nothing can be changed through it.
 */
export function agentHandler(engine: Pick<PolicyEngine, 'decide'>): (request: Request) => Promise<Response> {
  return async (request) => {
    // without a usable Host the URL is a path alone
    if (URL.parse(request.url, 'http://agent')?.pathname !== '/decide') return new Response(null, { status: 404 });
    if (request.method !== 'POST') return new Response(null, { status: 405 });
    try {
      const text = await request.text();
      if (text.length > MAX_BODY) return new Response(null, { status: 413 });
      const answer: Answer = await judge(engine, checkQuestion(parse(text)));
      return Response.json(answer);
    } catch (error) {
      if (error instanceof QuestionError) return new Response(error.message, { status: 400 });
      throw error;
    }
  };
}

function parse(text: string): { readonly name?: unknown; readonly digest?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch (cause) {
    throw new QuestionError('not JSON', { cause });
  }
}
