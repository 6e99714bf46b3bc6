// SPDX-License-Identifier: Apache-2.0
import type { Figure, Row } from './row.ts';

/** What became of a row: figures, or why there are none. */
export interface Outcome {
  readonly row: Row;
  readonly figures: readonly Figure[];
  readonly leftOut?: string;
}

const HEAD = ['what', 'Hallmark', 'original', 'ratio', 'goal'] as const;

/** The report as Markdown: the machine, then a table of all rows, padded so that it reads well in a terminal too. */
export function report(machine: readonly string[], outcomes: readonly Outcome[]): string {
  const lines = outcomes.flatMap(({ row, figures, leftOut }) => [
    [`**${row.title}**`, '', '', '', ''],
    ...figures.map(cellsOf),
    ...(leftOut === undefined ? [] : [[`left out: ${leftOut}`, '', '', '', '']]),
  ]);
  return [...machine.map((line) => `- ${line}`), '', ...table(HEAD, lines), ''].join('\n');
}

/** The ratio is always Hallmark's amount by the original's: below one is better for times, above one for rates. */
function cellsOf({ what, unit, hallmark, original, goal = '' }: Figure): readonly string[] {
  const amount = (value: number) => `${rounded(value)} ${unit}`;
  if (original === undefined) return [what, amount(hallmark), '', '', goal];
  return [what, amount(hallmark), amount(original), `${rounded(hallmark / original)} ×`, goal];
}

/** Three digits that mean something, and no exponent. */
function rounded(value: number): string {
  return value >= 100 ? Math.round(value).toString() : Number(value.toPrecision(3)).toString();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => pad(cells[column] ?? '', width, column)).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)];
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

/** The document with what stands between the two markers replaced. Throws if a marker is missing. */
export function replaceTable(document: string, text: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the document lacks ${BEGIN} and ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${text}\n${document.slice(end)}`;
}
