// SPDX-License-Identifier: Apache-2.0
import { html, raw } from 'hono/html';
import type { Checked } from '../checks.ts';
import { PATHS, type Page, pages, table } from '../page.ts';
import { href, type Query } from '../query.ts';
import type { ListedRepository, RepositoryQuery } from '../source.ts';
import { badgeWithReason, standing } from '../standing.ts';
import { count, day, distance, type Html, named } from '../text.ts';
import type { Look } from './look.ts';

const PAGE = 50;
const ORDERS = ['name', '-name', 'expiry', '-expiry'] as const;
type Order = (typeof ORDERS)[number];

/** All repositories that the visitor may see, a page at a time, each checked as a client would. */
export async function overview({ source, visitor, query, checks, now }: Look): Promise<Page> {
  const order = query.choice('sort', ORDERS, 'name');
  const search = query.text('q');
  const wanted: RepositoryQuery = {
    order: order.endsWith('name') ? 'name' : 'expiry',
    descending: order.startsWith('-'),
    limit: PAGE + 1,
    ...(search === '' ? {} : { contains: search }),
    ...(visitor.names === undefined ? {} : { within: visitor.names }),
  };
  const { rows, before, after } = await paged(wanted, query, (asked) => source.collections(asked));
  const checked = await Promise.all(rows.map(({ gun }): Promise<Checked> => checks.check(gun, 'list')));
  const link = (place: Readonly<Record<string, string | number | undefined>>) =>
    href(PATHS.overview, { q: search, sort: order === 'name' ? '' : order, ...place });
  const body = html`<h1>Repositories</h1>
<form class="filter" role="search" action="${PATHS.overview}"><label>Name contains <input class="wide" type="search" name="q" value="${search}" maxlength="255" autocapitalize="none" spellcheck="false"></label>
${order === 'name' ? '' : html`<input type="hidden" name="sort" value="${order}">`}<button>Search</button></form>
${openByName(visitor.names !== undefined)}
${rows.length === 0 ? nothing(search) : list(rows, checked, { order, search, now })}
${pages([
  ['First page', before === undefined ? undefined : link({})],
  ['Previous page', before && link(place('before', before))],
  ['Next page', after && link(place('after', after))],
])}`;
  return { title: 'Repositories', place: 'overview', body };
}

function place(side: 'before' | 'after', { gun, expires }: ListedRepository) {
  return { [side]: gun, t: expires?.getTime() };
}

interface Paged {
  readonly rows: readonly ListedRepository[];
  /** The rows beyond which there is more. */
  readonly before: ListedRepository | undefined;
  readonly after: ListedRepository | undefined;
}

/** A page beside a row that the address names: going back is the same list, read the other way round. */
async function paged(
  wanted: RepositoryQuery,
  query: Query,
  ask: (wanted: RepositoryQuery) => Promise<readonly ListedRepository[]>,
): Promise<Paged> {
  const isBack = query.gun('before') !== undefined;
  const gun = query.gun(isBack ? 'before' : 'after');
  const time = query.number('t');
  const from = gun && { gun, expires: time === undefined ? undefined : new Date(Math.min(time, 8.64e15)) };
  const descending = (wanted.descending === true) !== isBack;
  const found = await ask({ ...wanted, descending, ...(from === undefined ? {} : { after: from }) });
  const more = found.length > PAGE;
  const rows = isBack ? found.slice(0, PAGE).reverse() : found.slice(0, PAGE);
  const isFirst = isBack ? !more : from === undefined;
  const isLast = isBack ? false : !more;
  return { rows, before: isFirst ? undefined : rows[0], after: isLast ? undefined : rows.at(-1) };
}

interface ListShape {
  readonly order: Order;
  readonly search: string;
  readonly now: Date;
}

function list(rows: readonly ListedRepository[], checked: readonly Checked[], shape: ListShape): Html {
  const head = html`${sortable('Repository', 'name', shape)}<th scope="col">Trust</th><th scope="col" class="number">Tags</th>
<th scope="col">Signers</th>${sortable('Targets signed until', 'expiry', shape)}`;
  const body = html`<tbody>${rows.map((row, index) => line(row, checked[index] ?? { outcome: 'absent' }, shape.now))}</tbody>`;
  const found = shape.search === '' ? '' : html` whose names contain “${named(shape.search)}”`;
  return table(
    html`${count(rows.length, 'repository', 'repositories')} on this page${found}`,
    head,
    body,
    'Repositories',
  );
}

/** A heading that sorts; where it sorts already, it turns the order round. */
function sortable(word: string, name: 'name' | 'expiry', { order, search }: ListShape): Html {
  const state = order === name ? 'ascending' : order === `-${name}` ? 'descending' : 'none';
  const next = state === 'ascending' ? `-${name}` : name;
  const sign = { ascending: ' ↑', descending: ' ↓', none: '' }[state];
  const to = href(PATHS.overview, { q: search, sort: next === 'name' ? '' : next });
  return html`<th scope="col"${state === 'none' ? '' : raw(` aria-sort="${state}"`)}><a href="${to}">${word}<span aria-hidden="true">${sign}</span></a></th>`;
}

function line({ gun, expires }: ListedRepository, checked: Checked, now: Date): Html {
  const report = checked.outcome === 'verified' ? checked.report : undefined;
  const signers = report?.signers.map(({ name }) => name) ?? [];
  return html`<tr><th scope="row"><a href="${href(PATHS.repository, { gun })}">${named(gun)}</a></th>
<td>${badgeWithReason(standing(checked, now))}</td><td class="number">${report?.tags.length ?? '–'}</td>
<td>${signers.length === 0 ? '–' : signersOf(signers)}</td>
<td class="nowrap">${expires === undefined ? 'cannot be read' : html`${day(expires)} <span class="soft">${distance(expires, now)}</span>`}</td></tr>
`;
}

const SIGNERS_SHOWN = 4;

function signersOf(signers: readonly string[]): string {
  const more = signers.length - SIGNERS_SHOWN;
  return [...signers.slice(0, SIGNERS_SHOWN), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/** Where lists do not show all that one may pull, a name can be given. */
function openByName(isNeeded: boolean): Html | '' {
  if (!isNeeded) return '';
  return html`<form class="filter" action="${PATHS.repository}"><label>Open by its whole name <input class="wide" name="gun" required maxlength="255" autocapitalize="none" spellcheck="false"></label><button>Open</button></form>`;
}

function nothing(search: string): Html {
  return html`<p class="notice">${search === '' ? 'There is no repository that you may see.' : html`No name contains “${named(search)}”. Upper and lower case differ.`}</p>`;
}
