// SPDX-License-Identifier: Apache-2.0
import { html } from 'hono/html';
import { option, PATHS, type Page, pages, table } from '../page.ts';
import { href, type Query } from '../query.ts';
import type { AuditRow, AuditRowsQuery } from '../source.ts';
import { count, type Html, moment, named, plain } from '../text.ts';
import type { Look } from './look.ts';

const PAGE = 100;
const DAY = 86_400_000;
const ACTIONS = ['', 'publish', 'renew', 'delete', 'key-create', 'key-rotate', 'refused', 'expiring'] as const;

/** Who did what, the newest first. Whoever may not see everything sees their collections alone, and nobody's address. */
export async function auditPage({ source, visitor, query }: Look): Promise<Page> {
  const asked = filterIn(query);
  const before = query.number('before');
  const found = await source.audit({
    ...asked,
    ...{ from: 'newest', limit: PAGE + 1 },
    ...(visitor.names === undefined ? {} : { within: visitor.names }),
    ...(before === undefined ? {} : { before }),
  });
  const rows = found.slice(-PAGE).toReversed();
  const older = found.length > PAGE ? rows.at(-1)?.id : undefined;
  const chosen = Object.fromEntries(FIELDS.map((name) => [name, query.text(name)]));
  const body = html`<h1>Audit log</h1><p class="lead">Every change, and every change that was refused, in the order in which the server recorded it.</p>
${form(query)}
${rows.length === 0 ? html`<p class="notice">Nothing of this kind is recorded.</p>` : list(rows, visitor.names === undefined)}
${pages([
  ['Newest', before === undefined ? undefined : href(PATHS.audit, chosen)],
  ['Older', older === undefined ? undefined : href(PATHS.audit, { ...chosen, before: older })],
])}`;
  return { title: 'Audit log', place: 'audit', body };
}

const FIELDS = ['gun', 'actor', 'action', 'since', 'until'] as const;

function filterIn(query: Query): Partial<AuditRowsQuery> {
  const [gun, actor, action] = [query.gun('gun'), query.text('actor'), query.choice('action', ACTIONS, '')];
  const [since, until] = [query.day('since'), query.day('until')];
  return {
    ...(gun === undefined ? {} : { gun }),
    ...(actor === '' ? {} : { actor }),
    ...(action === '' ? {} : { action }),
    ...(since === undefined ? {} : { since }),
    // the day itself included
    ...(until === undefined ? {} : { until: new Date(until.getTime() + DAY) }),
  };
}

function form(query: Query): Html {
  const action = query.choice('action', ACTIONS, '');
  return html`<form class="filter" action="${PATHS.audit}"><label>Repository, whole name <input class="wide" name="gun" value="${query.text('gun')}" maxlength="255" autocapitalize="none" spellcheck="false"></label>
<label>Who <input name="actor" value="${query.text('actor')}" maxlength="255" autocapitalize="none" spellcheck="false"></label>
<label>What <select name="action">${ACTIONS.map((value) => option(value, action, value === '' ? 'everything' : value))}</select></label>
<label>From day <input type="date" name="since" value="${query.text('since')}"></label>
<label>To day <input type="date" name="until" value="${query.text('until')}"></label><button>Show</button></form>`;
}

function list(rows: readonly AuditRow[], withAddresses: boolean): Html {
  const head = html`<th scope="col" class="number">No.</th><th scope="col">When</th><th scope="col">What</th><th scope="col">Who</th>${withAddresses ? html`<th scope="col">From</th>` : ''}<th scope="col">Repository</th><th scope="col">Details</th>`;
  const body = html`<tbody>${rows.map((row) => line(row, withAddresses))}</tbody>`;
  return table(html`${count(rows.length, 'entry', 'entries')}, the newest first`, head, body, 'Audit log');
}

function line({ id, at, action, actor, gun, detail }: AuditRow, withAddresses: boolean): Html {
  const about = gun === undefined ? '–' : html`<a href="${href(PATHS.repository, { gun })}">${named(gun)}</a>`;
  const from = withAddresses
    ? html`<td class="nowrap">${actor.address === undefined ? '–' : plain(actor.address)}</td>`
    : '';
  return html`<tr><td class="number">${id}</td><td>${moment(at)}</td><td class="nowrap">${plain(action)}</td><td>${named(actor.name)}</td>${from}<td>${about}</td><td>${details(detail)}</td></tr>
`;
}

/** `targets 4, snapshot 7` of a publish; of everything else each value by its name. */
function details(detail: AuditRow['detail']): Html | string {
  const parts = Object.entries(detail).map(([name, value]) =>
    name === 'files' && Array.isArray(value)
      ? filesText(value)
      : `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return parts.length === 0 ? '–' : named(parts.join(', '));
}

function filesText(files: readonly { role?: unknown; version?: unknown }[]): string {
  return files.map((file) => `${String(file?.role)} ${String(file?.version)}`).join(', ');
}
