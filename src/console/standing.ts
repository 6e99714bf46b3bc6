// SPDX-License-Identifier: Apache-2.0
import { html } from 'hono/html';
import { type HierarchyRole, standingOf } from '../report/index.ts';
import type { Checked } from './checks.ts';
import { count, type Html, plain } from './text.ts';

/** A sign beside the word, since colour alone tells nobody who cannot see it. */
const SIGNS = { good: '✓', warn: '!', bad: '✕', none: '–' } as const;
export type Tone = keyof typeof SIGNS;

export interface Standing {
  readonly tone: Tone;
  readonly word: string;
  readonly reason: string | undefined;
}

/** What is said of a repository. Nothing but what a client's whole update accepted is called verified. */
export function standing(checked: Checked, now: Date): Standing {
  switch (checked.outcome) {
    case 'verified':
      return verified(checked.hierarchy.root, now);
    case 'refused':
      return { tone: 'bad', word: checked.code === 'expired' ? 'Expired' : 'Not trusted', reason: checked.reason };
    case 'unchecked':
      return { tone: 'none', word: 'Not checked', reason: checked.reason };
    case 'absent':
      return { tone: 'none', word: 'No metadata', reason: undefined };
    default:
      return checked satisfies never;
  }
}

function verified(root: HierarchyRole, now: Date): Standing {
  const roles = everyRole(root);
  const refused = roles.filter((role) => role.refused !== undefined);
  if (refused.length > 0) {
    const names = refused.map(({ role }) => role).join(', ');
    return { tone: 'warn', word: 'Verified in part', reason: `${count(refused.length, 'role')} refused: ${names}` };
  }
  const soon = roles.filter((role) => standingOf(role, now) === 'soon');
  if (soon.length === 0) return { tone: 'good', word: 'Verified', reason: undefined };
  return { tone: 'warn', word: 'Verified, ends soon', reason: soon.map(({ role }) => role).join(', ') };
}

export function everyRole(role: HierarchyRole): readonly HierarchyRole[] {
  return [role, ...role.children.flatMap(everyRole)];
}

export function badge({ tone, word }: Pick<Standing, 'tone' | 'word'>): Html {
  return html`<span class="badge tone-${tone}"><span aria-hidden="true">${SIGNS[tone]}</span> ${word}</span>`;
}

export function badgeWithReason(told: Standing): Html {
  const reason = told.reason === undefined ? '' : html` <span class="reason">${plain(told.reason)}</span>`;
  return html`${badge(told)}${reason}`;
}
