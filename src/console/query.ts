// SPDX-License-Identifier: Apache-2.0
/** What the address of a page asks for. Whatever is no sensible value is as if it had not been said. */
import { type Gun, MetadataError, parseGun, parseRoleName, type RoleName } from '../tuf/index.ts';

const MAX_TEXT = 300;

export class Query {
  readonly #given: URLSearchParams;

  constructor(given: URLSearchParams) {
    this.#given = given;
  }

  text(name: string): string {
    return (this.#given.get(name) ?? '').slice(0, MAX_TEXT).trim();
  }

  choice<T extends string>(name: string, of: readonly T[], otherwise: T): T {
    const text = this.text(name);
    return of.find((value) => value === text) ?? otherwise;
  }

  /** A whole number that is not negative. */
  number(name: string): number | undefined {
    const text = this.text(name);
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  /** A day, `2026-12-01`, at its beginning in UTC. */
  day(name: string): Date | undefined {
    const text = this.text(name);
    if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
    const date = new Date(`${text}T00:00:00Z`);
    return Number.isNaN(date.getTime()) ? undefined : date;
  }

  gun(name: string): Gun | undefined {
    return parsed(parseGun, this.text(name));
  }

  role(name: string): RoleName | undefined {
    return parsed(parseRoleName, this.text(name));
  }
}

function parsed<T>(parse: (text: string) => T, text: string): T | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

/** An address of the console with these values; what is empty is left out. */
export function href(path: string, values: Readonly<Record<string, string | number | undefined>> = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') given.set(name, String(value));
  }
  const query = given.toString();
  return query === '' ? path : `${path}?${query}`;
}
