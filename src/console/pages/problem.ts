// SPDX-License-Identifier: Apache-2.0
import { html } from 'hono/html';
import type { Page } from '../page.ts';

/** A page that says why there is none. */
export function problemPage(title: string, text: string): Page {
  return { title, body: html`<h1>${title}</h1><p class="notice">${text}</p>` };
}
