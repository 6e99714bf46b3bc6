// SPDX-License-Identifier: Apache-2.0
import {
  clientNetwork,
  type Fetch,
  identifyRequest,
  type Log,
  originOf,
  RateLimiter,
  targetUrl,
} from '../service/index.ts';
import { MetadataError } from '../tuf/index.ts';
import { Checks } from './checks.ts';
import { PAGE_HEADERS, PATHS, type Page, pageText } from './page.ts';
import { auditPage } from './pages/audit.ts';
import { expiryPage } from './pages/expiry.ts';
import { historyPage } from './pages/history.ts';
import type { Look } from './pages/look.ts';
import { overview } from './pages/overview.ts';
import { problemPage } from './pages/problem.ts';
import { repositoryPage } from './pages/repository.ts';
import { signInPage } from './pages/sign-in.ts';
import { href, Query } from './query.ts';
import { NO_SESSION, withSession } from './session-cookie.ts';
import { isFromHere, nextOf, signIn } from './sign-in.ts';
import type { ConsoleSource, Door, Refusal, Visitor } from './source.ts';
import { type Asset, ICON_ASSET, STYLE_ASSET } from './style.ts';

export interface ConsoleOptions {
  readonly source: ConsoleSource;
  readonly door: Door;
  readonly clock: () => Date;
  readonly log: Log;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed?: () => number;
}

type Show = (look: Look) => Promise<Page | undefined>;

const PAGES: ReadonlyMap<string, Show> = new Map<string, Show>([
  [PATHS.overview, overview],
  [PATHS.repository, (look) => ofRepository(look, repositoryPage)],
  [PATHS.history, (look) => ofRepository(look, historyPage)],
  [PATHS.expiry, expiryPage],
  [PATHS.audit, auditPage],
]);

const ASSETS: ReadonlyMap<string, Asset> = new Map([STYLE_ASSET, ICON_ASSET].map((asset) => [asset.path, asset]));

/** A page of fifty repositories that nobody looked at before costs a tenth of a second: nobody asks for many (S23). */
const BUDGET = { perSecond: 10, burst: 100 };

/** The console: always resolves, what goes wrong becomes a page. It reads, and never writes. */
export function createConsole(options: ConsoleOptions): Fetch {
  const console = new Console(options);
  return async (request) => {
    try {
      const response = await console.answer(request);
      return request.method === 'HEAD' ? new Response(null, response) : response;
    } catch (error) {
      options.log.error({ error }, 'console');
      return console.problem(500, 'Something went wrong', 'The log of the server says what.');
    }
  };
}

class Console {
  readonly #options: ConsoleOptions;
  readonly #checks: Checks;
  readonly #limiter: RateLimiter;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.#checks = new Checks(options.source, options.clock);
    this.#limiter = new RateLimiter(BUDGET, options.elapsed);
  }

  async answer(request: Request): Promise<Response> {
    const { pathname } = targetUrl(request.url);
    const asset = ASSETS.get(pathname);
    if (asset !== undefined) return assetResponse(asset);
    if (pathname === '/' || pathname === '/console') return redirect(PATHS.overview);
    const seconds = this.#limiter.take(`address ${clientNetwork(originOf(request).address ?? '')}`);
    if (seconds > 0) return this.#tooMany(seconds);
    if (request.method === 'POST') return this.#post(pathname, request);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return this.problem(405, 'Not possible', 'Nothing can be changed here.');
    }
    if (pathname === PATHS.signIn && this.#options.door.signIn !== 'nothing') return this.#form(request);
    const show = PAGES.get(pathname);
    if (show === undefined) return this.problem(404, 'Not found', 'There is no such page.');
    return this.#page(show, request);
  }

  async #page(show: Show, request: Request): Promise<Response> {
    const { door, source, clock } = this.#options;
    const shown = withSession(request);
    const visitor = await door.enter(shown.request);
    if ('refused' in visitor) return this.#refuse(visitor, request, shown.hasSession);
    const isKnown = visitor.actor.name !== 'anonymous';
    if (isKnown) identifyRequest(visitor.actor.name);
    const query = new Query(targetUrl(request.url).searchParams);
    const page = await show({ source, visitor, query, checks: this.#checks, now: clock() });
    const about = page ?? problemPage('Not found', 'There is no such repository, or you may not see it.');
    return this.#respond(page === undefined ? 404 : 200, about, { visitor, isKnown, hasSession: shown.hasSession });
  }

  async #refuse(refusal: Refusal, request: Request, hadSession: boolean): Promise<Response> {
    const { signIn: kind } = this.#options.door;
    if (refusal.refused === 'too-many') return this.#tooMany(refusal.retryAfterSeconds ?? 60);
    if (refusal.refused === 'unavailable' || kind === 'nothing') {
      return this.problem(503, 'Not possible now', 'Credentials cannot be checked at this time.');
    }
    const { pathname, search } = targetUrl(request.url);
    const to = redirect(href(PATHS.signIn, { next: nextOf(pathname + search) }));
    if (hadSession) to.headers.set('Set-Cookie', NO_SESSION);
    return to;
  }

  async #form(request: Request): Promise<Response> {
    const { signIn: kind } = this.#options.door;
    if (kind === 'nothing') return redirect(PATHS.overview);
    const next = targetUrl(request.url).searchParams.get('next') ?? '';
    return this.#respond(200, signInPage(kind, nextOf(next)));
  }

  async #post(pathname: string, request: Request): Promise<Response> {
    const { door } = this.#options;
    if (!isFromHere(request)) return this.problem(403, 'Refused', 'This form was sent by another site.');
    if (pathname === PATHS.signOut) return redirect(PATHS.overview, NO_SESSION);
    if (pathname !== PATHS.signIn || door.signIn === 'nothing') {
      return this.problem(405, 'Not possible', 'Nothing can be changed here.');
    }
    const attempt = await signIn(request, door);
    if ('cookie' in attempt) return redirect(attempt.next, attempt.cookie);
    const response = await this.#respond(attempt.status, signInPage(door.signIn, attempt.next, attempt.problem));
    if (attempt.retryAfterSeconds !== undefined) response.headers.set('Retry-After', String(attempt.retryAfterSeconds));
    return response;
  }

  async #tooMany(seconds: number): Promise<Response> {
    const response = await this.problem(429, 'Too many requests', `Try again in ${seconds} s.`);
    response.headers.set('Retry-After', String(seconds));
    return response;
  }

  problem(status: number, title: string, text: string): Promise<Response> {
    return this.#respond(status, problemPage(title, text));
  }

  async #respond(
    status: number,
    page: Page,
    who?: { readonly visitor: Visitor; readonly isKnown: boolean; readonly hasSession: boolean },
  ): Promise<Response> {
    const text = await pageText(page, {
      name: who?.isKnown === true ? who.visitor.actor.name : undefined,
      hasSession: who?.hasSession === true,
      canSignIn: this.#options.door.signIn !== 'nothing' && who !== undefined,
    });
    return new Response(text, { status, headers: PAGE_HEADERS });
  }
}

/** A page about the repository that the address names: only for whoever may pull it. Others learn not even that it is there. */
async function ofRepository(
  look: Look,
  show: (look: Look, gun: Parameters<typeof repositoryPage>[1]) => Promise<Page | undefined>,
): Promise<Page | undefined> {
  const gun = look.query.gun('gun');
  if (gun === undefined || !look.visitor.mayPull(gun)) return undefined;
  try {
    return await show(look, gun);
  } catch (error) {
    // what another program stored may be none of the format's files
    if (!(error instanceof MetadataError)) throw error;
    return problemPage('Cannot be read', `What is stored is not well-formed: ${error.message}`);
  }
}

function assetResponse({ type, body }: Asset): Response {
  const headers = { 'Cache-Control': 'public, max-age=31536000, immutable', 'X-Content-Type-Options': 'nosniff' };
  return new Response(body, { headers: { ...headers, 'Content-Type': type } });
}

function redirect(to: string, cookie?: string): Response {
  const headers = { Location: to, 'Cache-Control': 'no-store' };
  return new Response(null, {
    status: 303,
    headers: cookie === undefined ? headers : { ...headers, 'Set-Cookie': cookie },
  });
}
