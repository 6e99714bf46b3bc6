// SPDX-License-Identifier: Apache-2.0
import { plain, roleWords, standingOf } from './hierarchy-words.ts';
import type { HierarchyRole, KeyHierarchy } from './key-hierarchy.ts';

const WIDTH = 375;
const LINE = 17;
const PADDING = 12;
const GAP_X = 60;
const GAP_Y = 20;
/** Characters that fit into a box. */
const FIT = 48;

/** Both schemes, without an external resource or a script; for a page whose policy allows no style in an element. */
export const HIERARCHY_STYLE = `text{font:12px ui-monospace,monospace;fill:#1f2328}.name{font-weight:700;font-size:14px}
rect{fill:#fff;stroke:#1a7f37;stroke-width:1.5}path{fill:none;stroke:#8c959f;stroke-width:1.5}
.soon rect{stroke:#9a6700;stroke-width:2.5}.expired rect{stroke:#cf222e;stroke-width:3}
.refused rect{stroke:#cf222e;stroke-width:3;stroke-dasharray:5 3}.empty rect{stroke:#8c959f;stroke-dasharray:5 3}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#161b22}}`;

interface Box {
  readonly role: HierarchyRole;
  readonly lines: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly height: number;
  readonly children: readonly Box[];
}

/**
 * The hierarchy as a picture: roles from left to right, each with its keys and how it stands. It stands alone, unless the
 * page around it brings the style.
 */
export function hierarchySvg({ gun, root }: KeyHierarchy, now: Date, style: 'inside' | 'outside' = 'inside'): string {
  const { box, bottom } = place(root, now, 0, 0);
  const boxes = flatten(box);
  const width = Math.max(...boxes.map(({ x }) => x)) + WIDTH;
  const height = Math.max(bottom, ...boxes.map((one) => one.y + one.height));
  const title = `Keys of ${plain(gun)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -8 ${width + 16} ${height + 16}" width="${width + 16}" height="${height + 16}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>${style === 'inside' ? `<style>${HIERARCHY_STYLE}</style>` : ''}`,
    ...boxes.flatMap((parent) => parent.children.map((child) => edge(parent, child))),
    ...boxes.map((one) => drawn(one, now)),
    '</svg>\n',
  ].join('\n');
}

/** A role beside its children, who stand one below the other; `bottom` is where the next may begin. */
function place(role: HierarchyRole, now: Date, x: number, y: number): { box: Box; bottom: number } {
  const lines = roleWords(role, now).flatMap(wrapped);
  const height = lines.length * LINE + 2 * PADDING;
  const children: Box[] = [];
  let below = y;
  for (const child of role.children) {
    const placed = place(child, now, x + WIDTH + GAP_X, below);
    children.push(placed.box);
    below = placed.bottom + GAP_Y;
  }
  const bottom = Math.max(y + height, below - (children.length > 0 ? GAP_Y : 0));
  return { box: { role, lines, x, y, height, children }, bottom };
}

function flatten(box: Box): readonly Box[] {
  return [box, ...box.children.flatMap(flatten)];
}

/** Cuts at a space where there is one; what goes on is set in a little. */
function wrapped(text: string): readonly string[] {
  if (text.length <= FIT) return [text];
  const space = text.lastIndexOf(' ', FIT);
  const end = space > FIT / 2 ? space : FIT;
  return [text.slice(0, end), ...wrapped(`  ${text.slice(end).trimStart()}`)];
}

function edge(parent: Box, child: Box): string {
  const [x1, y1] = [parent.x + WIDTH, parent.y + PADDING + LINE / 2];
  const [x2, y2] = [child.x, child.y + PADDING + LINE / 2];
  const middle = (x1 + x2) / 2;
  return `<path d="M${x1} ${y1}H${middle}V${y2}H${x2}"/>`;
}

function drawn({ role, lines, x, y, height }: Box, now: Date): string {
  const text = lines.map(
    (line, index) =>
      `<text${index === 0 ? ' class="name"' : ''} x="${x + PADDING}" y="${y + PADDING + (index + 0.75) * LINE}" xml:space="preserve">${escaped(line)}</text>`,
  );
  return `<g class="${standingOf(role, now)}"><rect x="${x}" y="${y}" width="${WIDTH}" height="${height}" rx="6"/>${text.join('')}</g>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** XML text; characters that XML does not know at all become a question mark. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '?');
}
