// SPDX-License-Identifier: Apache-2.0
import { html } from 'hono/html';
import type { Gun, Version } from '../../tuf/index.ts';
import type { DifferenceOf } from '../changes.ts';
import { PATHS, type Page, pages } from '../page.ts';
import { href } from '../query.ts';
import type { AuditRow } from '../source.ts';
import { type RoleChange, type State, statesOf } from '../states.ts';
import { count, day, type Html, moment, named, plain } from '../text.ts';
import type { Look } from './look.ts';
import { repositoryHead } from './repository.ts';

const PAGE = 20;
const DIFFERENCES_SHOWN = 40;
/** Entries of the audit log that are looked through for who made a state. */
const AUDIT_LOOKED_AT = 500;

/** Every state that the server kept, the newest first. */
export async function historyPage({ source, query }: Look, gun: Gun): Promise<Page | undefined> {
  const before = query.number('before') as Version | undefined;
  const { states, more } = await statesOf(source, gun, before, PAGE);
  if (states.length === 0 && before === undefined) return undefined;
  const authors = await authorsOf(source, gun, states);
  const last = states.at(-1)?.version;
  const body = html`${repositoryHead(gun, 'history')}
<p class="lead">What the server kept, the newest first: it checked each state when it was published, and this page does not check it again. Dates are those of the server.</p>
<ol class="timeline">${states.map((state) => stateItem(state, authors.get(state.sha256)))}</ol>
${pages([
  ['Newest', before === undefined ? undefined : href(PATHS.history, { gun })],
  ['Older states', more ? href(PATHS.history, { gun, before: last }) : undefined],
])}`;
  return { title: `History of ${plain(gun)}`, place: 'overview', body };
}

/** Who made which snapshot, as far as the audit log says: what another program stored is not in it. */
async function authorsOf(
  source: Look['source'],
  gun: Gun,
  states: readonly State[],
): Promise<ReadonlyMap<string, AuditRow>> {
  const newest = states[0]?.createdAt;
  // the log is exact to the millisecond, rows of files are to the second
  const until = newest === undefined ? {} : { until: new Date(newest.getTime() + 1000) };
  const rows = await source.audit({ gun, from: 'newest', limit: AUDIT_LOOKED_AT, ...until });
  return new Map(rows.flatMap((row) => filesOf(row).map((sha256) => [sha256, row] as const)));
}

function filesOf({ detail }: AuditRow): readonly string[] {
  const files = Array.isArray(detail.files) ? detail.files : [];
  return files.flatMap((file: { sha256?: unknown } | null) => (typeof file?.sha256 === 'string' ? [file.sha256] : []));
}

function stateItem(state: State, author: AuditRow | undefined): Html {
  const { version, createdAt, changes, expires, isFirst } = state;
  const when = createdAt === undefined ? 'at an unknown time' : moment(createdAt);
  const what =
    changes.length === 0
      ? html`<p>Nothing but the snapshot was signed anew, until ${day(expires)}.</p>`
      : html`<ul>${changes.map(roleItem)}</ul>`;
  const who =
    author === undefined ? '' : html` by ${named(author.actor.name)}${author.action === 'renew' ? ' (renewal)' : ''}`;
  return html`<li><h2>${isFirst ? 'First state' : `Snapshot ${version}`}</h2><p class="soft">${when}${who}</p>${what}</li>
`;
}

function roleItem({ role, version, before, expires, differences }: RoleChange): Html {
  const step =
    version === undefined
      ? 'no longer listed'
      : before === undefined
        ? `version ${version}`
        : `version ${before} → ${version}`;
  const until = expires === undefined ? '' : html`, until ${day(expires)}`;
  const more = differences.length - DIFFERENCES_SHOWN;
  const shown = differences.slice(0, DIFFERENCES_SHOWN).map(differenceItem);
  const rest = more > 0 ? html`<li>and ${count(more, 'more change')}</li>` : '';
  const none =
    differences.length === 0 && version !== undefined
      ? html`<li class="soft">${before === undefined ? 'nothing in it yet' : 'signed anew without a change'}</li>`
      : '';
  return html`<li><strong>${role}</strong> <span class="soft">${step}${until}</span><ul>${shown}${rest}${none}</ul></li>`;
}

function differenceItem({ kind, what, name, detail }: DifferenceOf): Html {
  const isKey = what.startsWith('key');
  return html`<li><span class="what">${kind}</span> ${what} ${isKey ? html`<code>${name}</code>` : named(name)}${detail === undefined ? '' : html` <span class="soft mono">${plain(detail)}</span>`}</li>`;
}
