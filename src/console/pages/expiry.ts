// SPDX-License-Identifier: Apache-2.0
import { html } from 'hono/html';
import { SNAPSHOT, TARGETS, TIMESTAMP } from '../../tuf/index.ts';
import { option, PATHS, type Page, pages, table } from '../page.ts';
import { href, type Query } from '../query.ts';
import type { ExpiringRole } from '../source.ts';
import { badge } from '../standing.ts';
import { count, distance, type Html, moment, named } from '../text.ts';
import type { Look } from './look.ts';

const PAGE = 100;
const EVERY = 'every';
const DAY = 86_400_000;
const SPANS = ['7', '30', '90', '365', 'all'] as const;
const SPAN_WORDS: Readonly<Record<(typeof SPANS)[number], string>> = {
  '7': 'the next 7 days',
  '30': 'the next 30 days',
  '90': 'the next 90 days',
  '365': 'the next year',
  all: 'any time',
};
const END_OF_TIME = new Date('9999-12-31T23:59:59.999Z');

/** What expires, over everything that the visitor may see, the soonest first and day by day. */
export async function expiryPage({ source, visitor, query, now }: Look): Promise<Page> {
  const span = query.choice('within', SPANS, '90');
  // of a hundred thousand timestamps, which are renewed without anybody's doing, nothing else would be seen
  const asked = query.text('role');
  const role = asked === EVERY ? undefined : (query.role('role') ?? TARGETS);
  const before = span === 'all' ? END_OF_TIME : new Date(now.getTime() + Number(span) * DAY);
  const after = positionIn(query);
  const found = await source.expiring({
    ...{ before, limit: PAGE + 1 },
    ...(role === undefined ? {} : { role }),
    ...(visitor.names === undefined ? {} : { within: visitor.names }),
    ...(after === undefined ? {} : { after }),
  });
  const rows = found.slice(0, PAGE);
  const chosen = { within: span === '90' ? '' : span, role: role ?? EVERY };
  const last = rows.at(-1);
  const next = last && { gun: last.gun, of: last.role, t: last.expires.getTime() };
  const body = html`<h1>Expiry</h1><p class="lead">When each role’s current file expires. This server signs timestamps, and snapshots whose key it holds, anew by itself; everything else has to be signed by its publisher.</p>
${filter(span, role ?? EVERY)}
${rows.length === 0 ? html`<p class="notice">Nothing ${after === undefined ? '' : 'more '}expires in this time.</p>` : calendar(rows, now)}
${pages([
  ['First page', after === undefined ? undefined : href(PATHS.expiry, chosen)],
  ['Later', found.length > PAGE ? href(PATHS.expiry, { ...chosen, ...next }) : undefined],
])}`;
  return { title: 'Expiry', place: 'expiry', body };
}

function positionIn(query: Query): ExpiringRole | undefined {
  const [gun, role, time] = [query.gun('gun'), query.role('of'), query.number('t')];
  if (gun === undefined || role === undefined || time === undefined || time > END_OF_TIME.getTime()) return undefined;
  return { gun, role, version: 1 as ExpiringRole['version'], expires: new Date(time) };
}

function filter(span: (typeof SPANS)[number], role: string): Html {
  return html`<form class="filter" action="${PATHS.expiry}"><label>Expires within <select name="within">${SPANS.map((value) => option(value, span, SPAN_WORDS[value]))}</select></label>
<label>Role <input name="role" list="roles" value="${role}" maxlength="255" placeholder="targets"></label><datalist id="roles"><option value="every"><option value="root"><option value="targets"><option value="snapshot"><option value="timestamp"><option value="targets/releases"></datalist><button>Show</button></form>`;
}

function calendar(rows: readonly ExpiringRole[], now: Date): Html {
  const days = Map.groupBy(rows, ({ expires }) => expires.toISOString().slice(0, 10));
  const head = html`<th scope="col">Repository</th><th scope="col">Role</th><th scope="col" class="number">Version</th><th scope="col">Expires</th><th scope="col">Signed anew by</th>`;
  const bodies = [...days].map(
    ([date, files]) =>
      html`<tbody><tr class="group"><th colspan="5" scope="rowgroup">${dayHeading(date, files, now)}</th></tr>${files.map((file) => line(file, now))}</tbody>`,
  );
  return table(count(rows.length, 'file'), head, bodies, 'What expires, by day');
}

function dayHeading(date: string, files: readonly ExpiringRole[], now: Date): Html {
  const weekday = new Date(`${date}T00:00:00Z`).toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' });
  const first = files[0]?.expires ?? now;
  return html`${weekday}, <time datetime="${date}">${date}</time> <span class="soft">${distance(first, now)}</span>`;
}

function line({ gun, role, version, expires }: ExpiringRole, now: Date): Html {
  const past = expires <= now ? html` ${badge({ tone: 'bad', word: 'Expired' })}` : '';
  const by = role === TIMESTAMP ? 'this server' : role === SNAPSHOT ? 'whoever holds its key' : 'its publisher';
  return html`<tr><th scope="row"><a href="${href(PATHS.repository, { gun })}">${named(gun)}</a></th><td>${role}</td><td class="number">${version}</td><td class="nowrap">${moment(expires)}${past}</td><td>${by}</td></tr>
`;
}
