// SPDX-License-Identifier: Apache-2.0
import { oneLine } from './one-line.ts';

const GAP = 3;
const MIN_COLUMN = 10;

/**
 * Rows in aligned columns as Docker prints them: at least ten wide, three spaces apart, the last one ragged. Names in them may be
 * anybody's: each cell is one line.
 */
export function table(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(oneLine));
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((width, row) => Math.max(width, (row[column] ?? '').length), MIN_COLUMN - GAP),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + GAP))).join('');
  return rows.map((row) => `${line(row)}\n`).join('');
}
