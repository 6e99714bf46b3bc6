// SPDX-License-Identifier: Apache-2.0
import { html, raw } from 'hono/html';
import {
  type HierarchyRole,
  hierarchySvg,
  type ReportedTag,
  standingOf,
  type TrustReport,
} from '../../report/index.ts';
import type { Gun } from '../../tuf/index.ts';
import type { Checked } from '../checks.ts';
import { PATHS, type Page, pages, table } from '../page.ts';
import { href } from '../query.ts';
import { type Since, signedSince } from '../signed-since.ts';
import { badge, everyRole, standing, type Tone } from '../standing.ts';
import { bytes, count, day, distance, type Html, named, plain } from '../text.ts';
import type { Look } from './look.ts';

const TAGS_SHOWN = 100;

/** One repository as a client would find it now: its keys as a picture and in words, and its tags. */
export async function repositoryPage(look: Look, gun: Gun): Promise<Page | undefined> {
  const checked = await look.checks.check(gun);
  if (checked.outcome === 'absent') return undefined;
  const body = html`${repositoryHead(gun, 'now')}${verdict(checked, look.now)}${
    checked.outcome === 'verified' ? await trusted(look, gun, checked) : notShown()
  }`;
  return { title: plain(gun), place: 'overview', body };
}

/** Heading and tabs of the pages about one repository. */
export function repositoryHead(gun: Gun, tab: 'now' | 'history'): Html {
  const tabs = [
    ['now', PATHS.repository, 'As it is now'],
    ['history', PATHS.history, 'History'],
  ] as const;
  const audit = html`<li><a href="${href(PATHS.audit, { gun })}">Audit log</a></li>`;
  return html`<h1>${named(gun)}</h1><nav class="tabs" aria-label="About this repository"><ul>${tabs.map(
    ([name, path, word]) =>
      html`<li><a href="${href(path, { gun })}"${tab === name ? raw(' aria-current="page"') : ''}>${word}</a></li>`,
  )}${audit}</ul></nav>`;
}

function verdict(checked: Checked, now: Date): Html {
  const { tone, word, reason } = standing(checked, now);
  return html`<div class="notice tone-${tone}"><p><strong>${badge({ tone, word })}</strong> ${reason === undefined ? 'Every role passed every check of a client’s update.' : plain(reason)}</p></div>`;
}

function notShown(): Html {
  return html`<p class="lead">No tag, key or signer is shown: none of it is trusted. Clients refuse this repository too. What was published when is in the history.</p>`;
}

async function trusted(look: Look, gun: Gun, checked: Extract<Checked, { outcome: 'verified' }>): Promise<Html> {
  const { hierarchy, report } = checked;
  const since = await signedSince(look.source, gun);
  return html`${await tags(look, gun, report, since)}
<h2 id="keys">Keys</h2>
<figure class="scroll"><div class="picture" tabindex="0" role="region" aria-label="Picture of the key hierarchy">${raw(hierarchySvg(hierarchy, look.now, 'outside'))}</div>
<figcaption>Who may sign, and who lets whom: each role stands right of the one that names its keys. The table below says the same.</figcaption></figure>
${rolesTable(hierarchy.root, look.now)}`;
}

async function tags(
  { query, now }: Look,
  gun: Gun,
  report: TrustReport,
  since: (tag: string, sha256: string) => Since,
): Promise<Html> {
  const search = query.text('tag');
  const from = query.number('from') ?? 0;
  const found = report.tags.filter(({ tag }) => search === '' || tag.includes(search)).toReversed();
  const shown = found.slice(from, from + TAGS_SHOWN);
  const link = (at: number) => href(PATHS.repository, { gun, tag: search, from: at === 0 ? undefined : at });
  const until = report.roles.find(({ role }) => role === 'targets')?.expires;
  const intro = html`<h2 id="tags">Tags</h2>
<form class="filter" role="search" action="${PATHS.repository}"><input type="hidden" name="gun" value="${gun}"><label>Tag contains <input type="search" name="tag" value="${search}" maxlength="255"></label><button>Search</button></form>`;
  if (found.length === 0) {
    return html`${intro}<p class="notice">${report.tags.length === 0 ? 'No tag is signed.' : 'No tag contains this.'}</p>`;
  }
  const head = html`<th scope="col">Tag</th><th scope="col">Digest that was signed</th><th scope="col" class="number">Manifest</th><th scope="col">Signers</th><th scope="col">Signed since</th>`;
  const body = html`<tbody>${shown.map((tag) => tagLine(tag, since(tag.tag, tag.sha256)))}</tbody>`;
  const ends = until === undefined ? '' : html`; targets signed until ${day(until)}, ${distance(until, now)}`;
  const caption = html`Tags ${from + 1} to ${from + shown.length} of ${found.length.toLocaleString('en')}${ends}`;
  return html`${intro}${table(caption, head, body, 'Signed tags')}${pages([
    ['Previous tags', from === 0 ? undefined : link(Math.max(0, from - TAGS_SHOWN))],
    ['Next tags', from + shown.length < found.length ? link(from + TAGS_SHOWN) : undefined],
  ])}`;
}

function tagLine({ tag, sha256, size, signers }: ReportedTag, { date, orLonger }: Since): Html {
  const who = signers.length === 0 ? html`<span class="soft">nobody by name</span>` : signers.join(', ');
  const when = date === undefined ? '–' : html`${day(date)}${orLonger ? ' or longer' : ''}`;
  return html`<tr><th scope="row">${named(tag)}</th><td><code>sha256:${sha256}</code></td><td class="number">${bytes(size)}</td><td>${who}</td><td class="nowrap">${when}</td></tr>
`;
}

const WORDS: Readonly<Record<ReturnType<typeof standingOf>, readonly [Tone, string]>> = {
  valid: ['good', 'Verified'],
  soon: ['warn', 'Ends soon'],
  expired: ['bad', 'Expired'],
  refused: ['bad', 'Refused'],
  empty: ['none', 'Signed nothing yet'],
};

function rolesTable(root: HierarchyRole, now: Date): Html {
  const roles = everyRole(root);
  const head = html`<th scope="col">Role</th><th scope="col">State</th><th scope="col" class="number">Version</th><th scope="col">Valid until</th><th scope="col">Must sign</th><th scope="col">Keys</th><th scope="col">May sign</th>`;
  const body = html`<tbody>${roles.map((role) => roleLine(role, now))}</tbody>`;
  return html`<h3 id="roles" class="soft">Roles in words</h3>${table(count(roles.length, 'role'), head, body, 'Roles and keys')}`;
}

function roleLine(role: HierarchyRole, now: Date): Html {
  const [tone, word] = WORDS[standingOf(role, now)];
  const keys = role.keys.map(
    ({ id, algorithm, signed, certificateExpires }) =>
      html`<li><code>${id}</code> ${algorithm}${signed ? ', signed' : ', did not sign'}${
        certificateExpires === undefined ? '' : html`, certificate until ${day(certificateExpires)}`
      }</li>`,
  );
  const until =
    role.file === undefined
      ? '–'
      : html`${day(role.file.expires)} <span class="soft">${distance(role.file.expires, now)}</span>`;
  const why = role.refused === undefined ? '' : html` <span class="reason">${plain(role.refused)}</span>`;
  return html`<tr><th scope="row">${role.role}</th><td>${badge({ tone, word })}${why}</td><td class="number">${role.file?.version ?? '–'}</td><td>${until}</td><td class="nowrap">${role.threshold} of ${role.keys.length}</td><td><ul class="keys">${keys}</ul></td><td>${scopeOf(role)}</td></tr>
`;
}

function scopeOf({ paths }: HierarchyRole): Html | string {
  if (paths === undefined) return '–';
  if (paths.includes('')) return 'every tag';
  return paths.length === 0
    ? 'no tag'
    : html`tags beginning with ${paths.map((path, index) => html`${index === 0 ? '' : ', '}${named(path)}`)}`;
}
