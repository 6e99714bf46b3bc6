// SPDX-License-Identifier: Apache-2.0
import { imagesOfContainer, imagesOfService } from './images-in-body.ts';
import type { ImageJudge, Ruling } from './judge.ts';
import { couldBeForm, PLUGIN, PULL, parametersOf, pulledImage } from './pull.ts';
import { AmbiguousRequestError, parseRequestHead, type RequestHead } from './request-head.ts';
import { type Route, routeOf } from './routes.ts';

/** What the engine tells of a request (Docker's authorization plugin API). */
interface AuthzRequest {
  readonly RequestMethod?: unknown;
  readonly RequestUri?: unknown;
  readonly RequestBody?: unknown;
  readonly RequestHeaders?: unknown;
}

interface Verdict {
  readonly Allow: boolean;
  readonly Msg?: string;
}

const ALLOWED: Verdict = { Allow: true };
/** The engine sends bodies up to a mebibyte, and base64 of them. */
const MAX_BODY = 4 * 1024 * 1024;

/**
 * The same decisions as an authorization plugin of the engine. It can refuse a request and change nothing in it, so what is to
 * be run must already be, under the name given, the very image that was signed.
 */
export function authzPlugin(
  judge: ImageJudge,
  onError: (error: unknown) => void,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const pathname = pathOf(request.url);
    if (request.method !== 'POST') return new Response(null, { status: 405 });
    if (pathname === '/Plugin.Activate') return Response.json({ Implements: ['authz'] });
    if (pathname === '/AuthZPlugin.AuthZRes') return Response.json(ALLOWED);
    if (pathname !== '/AuthZPlugin.AuthZReq') return new Response(null, { status: 404 });
    try {
      return Response.json(await verdictOn(await readRequest(request), judge));
    } catch (error) {
      if (error instanceof AmbiguousRequestError) return Response.json(denied(error.told));
      onError(error);
      return Response.json(denied('content trust: internal error'));
    }
  };
}

/** The engine gives the path of the socket for a host, which is none: such an address cannot be taken for a URL. */
function pathOf(address: string): string {
  return /^(?:[a-z]+:\/\/[^/]*)?(\/[^?]*)/.exec(address)?.[1] ?? '';
}

function denied(message: string): Verdict {
  return { Allow: false, Msg: message };
}

async function readRequest(request: Request): Promise<AuthzRequest> {
  const text = await request.text();
  if (text.length > MAX_BODY) throw new AmbiguousRequestError('a request that is too large to be judged');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // told below
  }
  throw new AmbiguousRequestError('not a request of the engine');
}

async function verdictOn(asked: AuthzRequest, judge: ImageJudge): Promise<Verdict> {
  const { head, body } = requestOf(asked);
  const route: Route = routeOf(head);
  switch (route) {
    case 'pull': {
      const parameters = parametersOf(head, PULL);
      if ((parameters.get('fromImage') ?? '') === '') return ALLOWED;
      requireNoBody(asked);
      return verdictOf(await judge.forPull(pulledImage(parameters)));
    }
    case 'pull-plugin':
      return allPinned(judge, 'a plugin', [{ value: parametersOf(head, PLUGIN).get('remote') ?? '' }]);
    case 'create-container':
      return allLie(judge, imagesOfContainer(body).places);
    case 'create-service':
      return allPinned(judge, 'the image of a service', imagesOfService(body).places);
    // what a build holds is not shown to a plugin
    case 'build':
    case 'buildkit':
    case 'stream':
    case 'pass':
      return ALLOWED;
    default:
      return route satisfies never;
  }
}

async function allLie(judge: ImageJudge, places: readonly { readonly value: string }[]): Promise<Verdict> {
  for (const { value } of places) {
    const verdict = verdictOf(await judge.asItLies(value));
    if (!verdict.Allow) return verdict;
  }
  return ALLOWED;
}

/**
 * What is pulled and run without another look: nodes of a swarm pull by themselves what a service names, and a plugin runs as soon as it
 * is there. By tag, it could be anything.
 */
async function allPinned(
  judge: ImageJudge,
  what: string,
  places: readonly { readonly value: string }[],
): Promise<Verdict> {
  for (const { value } of places) {
    const ruling = await judge.forPullOrUse(value);
    if (ruling.kind === 'refused') return denied(ruling.message);
    if (ruling.kind === 'use' && !value.includes('@'))
      return denied(`content trust: ${what} has to be named by its digest, or in full: ${ruling.reference}`);
  }
  return ALLOWED;
}

/** An image that is not there is the engine's to tell: it will not run it. */
function verdictOf(ruling: Ruling): Verdict {
  return ruling.kind === 'refused' ? denied(ruling.message) : ALLOWED;
}

/** The request as a head, so that it is read by the same strict rules; without a body nothing can be created (CVE-2024-41110). */
function requestOf({ RequestMethod, RequestUri, RequestBody, RequestHeaders }: AuthzRequest): {
  head: RequestHead;
  body: Uint8Array;
} {
  if (typeof RequestMethod !== 'string' || typeof RequestUri !== 'string')
    throw new AmbiguousRequestError('a request without method or address');
  // below the address is taken for bytes: a letter of more would become another
  if (!/^[\x21-\x7e]*$/.test(RequestMethod + RequestUri))
    throw new AmbiguousRequestError('an address with spaces or letters beyond ASCII');
  const type = contentTypeOf(RequestHeaders);
  // the engine shows a plugin JSON alone, and reads the fields of a form before those of the query
  if (couldBeForm(type)) throw new AmbiguousRequestError('parameters in a form');
  const body = typeof RequestBody === 'string' ? Buffer.from(RequestBody, 'base64') : new Uint8Array();
  const lines = [`${RequestMethod} ${RequestUri} HTTP/1.1`, `content-type: ${type}`, `content-length: ${body.length}`];
  return { head: parseRequestHead(Buffer.from(lines.join('\r\n'), 'latin1')), body };
}

function contentTypeOf(headers: unknown): string {
  return (headerOf(headers, 'content-type') ?? 'application/octet-stream').replace(/[\r\n]/g, ' ');
}

/**
 * Of two media types the engine shows the last and goes by the first, and it reads a form before the query: a pull that could
 * have a body could be one of another image. One that comes in chunks states no length.
 */
function requireNoBody({ RequestHeaders }: AuthzRequest): void {
  if (headerOf(RequestHeaders, 'content-length') === '0') return;
  throw new AmbiguousRequestError('a pull has to say that it has no body: Content-Length: 0');
}

function headerOf(headers: unknown, wanted: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const found = Object.entries(headers).filter(([name]) => name.toLowerCase() === wanted);
  if (found.length > 1) throw new AmbiguousRequestError(`${wanted} is there twice`);
  return found[0] === undefined ? undefined : String(found[0][1]);
}
