// SPDX-License-Identifier: Apache-2.0
import { html, raw } from 'hono/html';
import { ICON_ASSET, STYLE_ASSET } from './style.ts';
import { type Html, named } from './text.ts';

/** Where pages are. */
export const PATHS = {
  overview: '/console/',
  repository: '/console/repository',
  history: '/console/history',
  expiry: '/console/expiry',
  audit: '/console/audit',
  signIn: '/console/sign-in',
  signOut: '/console/sign-out',
} as const;

export interface Page {
  readonly title: string;
  /** The entry of the menu that it belongs to. */
  readonly place?: 'overview' | 'expiry' | 'audit';
  readonly body: Html;
}

/** What is shown of whoever looks. */
export interface Onlooker {
  readonly name: string | undefined;
  /** Whether there is a session of this browser that can be ended. */
  readonly hasSession: boolean;
  readonly canSignIn: boolean;
}

/**
 * No script, no frame, no other host, no style but our own file: what metadata says could not do anything even if it got
 * past the escaping (S22).
 */
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': POLICY,
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

const MENU = [
  ['overview', 'Repositories'],
  ['expiry', 'Expiry'],
  ['audit', 'Audit log'],
] as const;

export async function pageText({ title, place, body }: Page, onlooker: Onlooker): Promise<string> {
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title} · Hallmark</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="${STYLE_ASSET.path}"><link rel="icon" href="${ICON_ASSET.path}"></head>
<body><a class="skip" href="#main">Skip to the content</a>
<header class="top"><div><a class="brand" href="${PATHS.overview}"><img src="${ICON_ASSET.path}" alt="" width="24" height="24"> Hallmark</a>
<nav aria-label="Console"><ul>${MENU.map(
    ([name, word]) =>
      html`<li><a href="${PATHS[name]}"${place === name ? raw(' aria-current="page"') : ''}>${word}</a></li>`,
  )}</ul></nav>${who(onlooker)}</div></header>
<main id="main" tabindex="-1">${body}</main>
<footer><p>Shows and changes nothing. What is called verified went through a client’s whole update, from the root that this server has; compare its key IDs with those that you pinned.</p></footer>
</body></html>
`;
  return String(await page);
}

function who({ name, hasSession, canSignIn }: Onlooker): Html | '' {
  if (name === undefined) {
    return canSignIn ? html`<div class="who"><a href="${PATHS.signIn}">Sign in</a></div>` : '';
  }
  const out = html`<form method="post" action="${PATHS.signOut}"><button>Sign out</button></form>`;
  return html`<div class="who"><span>Signed in as ${named(name)}</span>${hasSession ? out : ''}</div>`;
}

/** A table in a frame of its own that scrolls; its caption says what it is. */
export function table(caption: Html | string, head: Html, body: Html | readonly Html[], label: string): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table><caption>${caption}</caption>
<thead><tr>${head}</tr></thead>${body}</table></div>`;
}

/** Links to the pages before and after. */
export function pages(links: readonly (readonly [string, string | undefined])[]): Html | '' {
  const there = links.filter(([, to]) => to !== undefined);
  if (there.length === 0) return '';
  return html`<nav class="pages" aria-label="Pages">${there.map(([word, to]) => html`<a href="${to ?? ''}">${word}</a>`)}</nav>`;
}

export function option(value: string, chosen: string, word: string): Html {
  return html`<option value="${value}"${value === chosen ? raw(' selected') : ''}>${word}</option>`;
}
