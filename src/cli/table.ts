// SPDX-License-Identifier: Apache-2.0

const GAP = 3;
const MIN_COLUMN = 10;

/** Rows in aligned columns as Docker prints them: at least ten wide, three spaces apart, the last one ragged. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(MIN_COLUMN - GAP, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + GAP))).join('');
  return rows.map((row) => `${line(row)}\n`).join('');
}
