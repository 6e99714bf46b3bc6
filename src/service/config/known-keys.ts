// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { ConfigPath } from './document.ts';

/** What a configuration may hold, as data: JSON Schema, draft 2020-12. */
export type ConfigJsonSchema = z.core.JSONSchema.BaseSchema;

/** The schema of what a file may say, for editors and for whoever checks files elsewhere. */
export function jsonSchemaOf(schema: z.ZodType): ConfigJsonSchema {
  return z.toJSONSchema(schema, { io: 'input' });
}

/** A key whose value is no mapping, with the schema of that value. */
export interface Leaf {
  readonly path: readonly string[];
  readonly schema: ConfigJsonSchema;
}

/** Every key that has a value of its own; lists of mappings count as one. */
export function leavesOf(schema: ConfigJsonSchema, path: readonly string[] = []): readonly Leaf[] {
  const children = Object.entries(schema.properties ?? {});
  if (children.length === 0) return path.length === 0 ? [] : [{ path, schema }];
  return children.flatMap(([key, child]) => (typeof child === 'boolean' ? [] : leavesOf(child, [...path, key])));
}

/** The schema of what stands at a path; undefined where nothing may. */
function schemaAt(schema: ConfigJsonSchema, path: ConfigPath): ConfigJsonSchema | undefined {
  let at: ConfigJsonSchema | undefined = schema;
  for (const step of path) {
    const next: unknown = typeof step === 'number' ? at?.items : (at?.properties?.[step] ?? at?.additionalProperties);
    at = isSchema(next) ? next : undefined;
  }
  return at;
}

export function isSchema(value: unknown): value is ConfigJsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The known key that somebody probably meant, or where the same key belongs; undefined when nothing is near. */
export function nearestKey(schema: ConfigJsonSchema, path: ConfigPath, wrong: string): string | undefined {
  const siblings = Object.keys(schemaAt(schema, path)?.properties ?? {});
  const here = nearest(wrong, siblings);
  if (here !== undefined) return here;
  // the right word in the wrong place is the other common mistake
  const elsewhere = keyPaths(schema).filter((known) => known.at(-1)?.toLowerCase() === wrong.toLowerCase());
  return elsewhere[0]?.join('.');
}

function keyPaths(schema: ConfigJsonSchema, path: readonly string[] = []): readonly (readonly string[])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const here = [...path, key];
    return typeof child === 'boolean' ? [here] : [here, ...keyPaths(child, here)];
  });
}

/** The one of `known` that is near enough to be meant; case, hyphens and underscores count for nothing. */
export function nearest(wrong: string, known: readonly string[]): string | undefined {
  const plain = (key: string) => key.toLowerCase().replaceAll(/[_-]/g, '');
  const [best] = known
    .map((key) => ({ key, distance: distanceOf(plain(wrong), plain(key)) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.key.length / 3)) ? best.key : undefined;
}

/** Words that were not written to their end count as near as well: `password` for `passwordFile`. */
function distanceOf(wrong: string, known: string): number {
  const whole = editDistance(wrong, known);
  return wrong.length < 3 ? whole : Math.min(whole, 1 + editDistance(wrong, known.slice(0, wrong.length)));
}

/** Longer words are no slip of a finger, and comparing them would cost their lengths' product (S31). */
const MAX_WORD = 64;

function editDistance(a: string, b: string): number {
  if (a.length > MAX_WORD || b.length > MAX_WORD) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
