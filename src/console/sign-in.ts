// SPDX-License-Identifier: Apache-2.0
import { PATHS } from './page.ts';
import { sessionCookie, showing } from './session-cookie.ts';
import type { Door, Refusal, Session } from './source.ts';

const MAX_FORM = 32 * 1024;

/** What became of an attempt to sign in. */
export type Attempt =
  | { readonly cookie: string; readonly next: string }
  | { readonly status: number; readonly problem: string; readonly next: string; readonly retryAfterSeconds?: number };

/** Reads the form and asks the door. What was typed is never shown again. */
export async function signIn(request: Request, door: Door): Promise<Attempt> {
  const form = await formOf(request);
  const next = nextOf(form?.get('next') ?? '');
  if (form === undefined) return { status: 400, problem: 'The form could not be read.', next };
  const answer = await door.session(showing(request, credentialsIn(form)));
  if ('refused' in answer) return { ...refusalWords(answer, door), next };
  return cookieOf(answer, next);
}

function cookieOf(session: Session, next: string): Attempt {
  const cookie = sessionCookie(session);
  if (cookie !== undefined) return { cookie, next };
  const problem =
    'This token is too long for a browser to keep. Ask for one with fewer repositories, or let a proxy sign in.';
  return { status: 400, problem, next };
}

function refusalWords({ refused, retryAfterSeconds = 60 }: Refusal, { signIn: kind }: Door) {
  switch (refused) {
    case 'unknown':
      return { status: 401, problem: kind === 'password' ? 'Wrong user or password.' : 'This token is not good.' };
    case 'too-many':
      return { status: 429, problem: `Too many attempts. Try again in ${retryAfterSeconds} s.`, retryAfterSeconds };
    case 'unavailable':
      return { status: 503, problem: 'Credentials cannot be checked at this time.' };
    default:
      return refused satisfies never;
  }
}

async function formOf(request: Request): Promise<URLSearchParams | undefined> {
  const type = request.headers.get('content-type') ?? '';
  const length = Number(request.headers.get('content-length') ?? 0);
  if (!type.startsWith('application/x-www-form-urlencoded') || !(length <= MAX_FORM)) return undefined;
  const text = await textOf(request);
  return text === undefined ? undefined : new URLSearchParams(text);
}

/** Undefined for more than a form holds, which nobody waits for: whoever fills it in has shown nothing yet (S23). */
async function textOf(request: Request): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > MAX_FORM) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function credentialsIn(form: URLSearchParams): string {
  const token = form.get('token')?.replace(/\s+/g, '');
  if (token !== undefined) return `Bearer ${token.replace(/[^A-Za-z0-9._~+/=-]/g, '')}`;
  const pair = `${form.get('user') ?? ''}:${form.get('password') ?? ''}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

/** A page of this console and nothing else: nobody is led away by a link to the form. */
export function nextOf(text: string): string {
  const isHere =
    /^\/console\/[\w?=&%.~+-]*$/.test(text) && !text.startsWith(PATHS.signIn) && !text.startsWith(PATHS.signOut);
  return isHere ? text : PATHS.overview;
}

/** Whether a form was sent by a page of this very console: browsers say where a request comes from, and no page can change it. */
export function isFromHere(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  const origin = request.headers.get('origin');
  return origin === null || URL.parse(origin)?.host === (request.headers.get('host') ?? URL.parse(request.url)?.host);
}
