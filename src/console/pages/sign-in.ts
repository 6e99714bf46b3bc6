// SPDX-License-Identifier: Apache-2.0
import { html } from 'hono/html';
import { PATHS, type Page } from '../page.ts';
import type { Door } from '../source.ts';
import type { Html } from '../text.ts';

/** The form by which a browser gets a session; `next` is a page of the console. */
export function signInPage(kind: Exclude<Door['signIn'], 'nothing'>, next: string, problem?: string): Page {
  const told = problem === undefined ? '' : html`<p class="notice tone-bad" role="alert" id="problem">${problem}</p>`;
  const described = problem === undefined ? '' : html` aria-describedby="problem"`;
  const body = html`<div class="card"><h1>Sign in</h1>${told}<form method="post" action="${PATHS.signIn}"><input type="hidden" name="next" value="${next}">
${kind === 'password' ? passwordFields(described) : tokenFields(described)}<button>Sign in</button></form></div>`;
  return { title: 'Sign in', body };
}

function passwordFields(described: Html | ''): Html {
  return html`<label>User <input name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="255"${described}></label>
<label>Password <input type="password" name="password" autocomplete="current-password" required maxlength="1024"></label>`;
}

function tokenFields(described: Html | ''): Html {
  return html`<p class="soft">A token of the registry’s token server, with <code>pull</code> on the repositories that you want to see. It is kept by this browser alone, until it ends.</p>
<label>Token <textarea name="token" autocomplete="off" autocapitalize="none" spellcheck="false" required${described}></textarea></label>`;
}
