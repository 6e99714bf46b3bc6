// SPDX-License-Identifier: Apache-2.0

/** A table of a settings file. */
export type Table = Readonly<Record<string, unknown>>;

/** A TOML file as a table; undefined if it is none: programs then go on without it. */
export function parseToml(text: string): Table | undefined {
  try {
    return tableOf(Bun.TOML.parse(text));
  } catch {
    return undefined;
  }
}

export function parseJson(text: string): Table | undefined {
  try {
    return tableOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function tableOf(value: unknown): Table | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : undefined;
}

/** The value at a path of keys; undefined where the path ends before. */
export function at(table: Table | undefined, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((value, key) => tableOf(value)?.[key], table);
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The tables of an array of tables. */
export function tablesOf(value: unknown): readonly Table[] {
  return listOf(value)
    .map(tableOf)
    .filter((table): table is Table => table !== undefined);
}
