// SPDX-License-Identifier: Apache-2.0
import { oneLine } from '../one-line.ts';

const GAP = 4;

/** Rows under an underlined head, columns four blanks apart, the last one ragged. */
export function notaryTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map((title) => '-'.repeat(title.length)), ...rows.map((row) => row.map(oneLine))];
  const widths = head.map((_, column) =>
    lines.reduce((width, line) => Math.max(width, [...(line[column] ?? '')].length), 0),
  );
  const cell = (text: string, column: number) =>
    column === head.length - 1 ? text : text + ' '.repeat((widths[column] ?? 0) + GAP - [...text].length);
  return lines.map((line) => `${line.map(cell).join('')}\n`).join('');
}

/** The end of a text that is too long, after three dots. */
export function truncatedLeft(text: string, width: number): string {
  return text.length <= width ? text : `...${text.slice(text.length - width + 3)}`;
}

/** Paths of a delegation, one a line; the empty one stands for all. */
export function shownPaths(paths: readonly string[]): readonly string[] {
  return [...paths].sort().map((path) => (path === '' ? '"" <all paths>' : path));
}
