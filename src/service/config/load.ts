// SPDX-License-Identifier: Apache-2.0
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { type ConfigDocument, type ConfigPath, isRecord } from './document.ts';
import { type Environment, strangeVariables, withEnvironment } from './environment.ts';
import { ConfigError, type ConfigProblem } from './errors.ts';
import { type ConfigJsonSchema, isSchema, jsonSchemaOf, leavesOf, nearestKey } from './known-keys.ts';

export interface UnderstandOptions<Schema extends z.ZodType> {
  readonly schema: Schema;
  readonly env: Environment;
  /** Of environment variables that stand in for keys: `NOTARY_SERVER_`. */
  readonly prefix: string;
  /** Whether the prefix is of this schema alone, so that a variable which stands for no key is a mistake. */
  readonly ownsPrefix?: boolean;
}

/**
 * What a document says, by a schema: environment put in, relative paths made absolute from the file's directory (where
 * the schema says `format: 'path'`), and everything that is wrong told at once with its place.
 * @throws ConfigError
 */
export function understand<Schema extends z.ZodType>(
  document: ConfigDocument,
  { schema, env, prefix, ownsPrefix = false }: UnderstandOptions<Schema>,
): z.output<Schema> {
  const shape = jsonSchemaOf(schema);
  const leaves = leavesOf(shape);
  const strange = ownsPrefix ? strangeVariables(leaves, env, prefix) : [];
  const { root, variables } = withEnvironment(document.root, leaves, env, prefix);
  const base = dirname(resolve(document.file));
  const parsed = schema.safeParse(withAbsolutePaths(root, shape, base));
  if (parsed.success && strange.length === 0) return parsed.data;
  const problems = (parsed.error?.issues ?? []).flatMap((issue) => problemsOf(issue, shape));
  const inFile = problems.map(({ path, message }) => located(document, variables, path, message));
  throw new ConfigError(document.file, [...inFile, ...strange]);
}

/** That something is wrong at a key, with the key's place in the file or the variable that it came from. */
function located(
  document: ConfigDocument,
  variables: ReadonlyMap<string, string>,
  path: ConfigPath,
  message: string,
): ConfigProblem {
  const key = spelledPath(path);
  const variable = variables.get(path.join('.'));
  return { key, message, ...(variable === undefined ? document.position(path) : { variable }) };
}

/** `webhooks[0].url` */
function spelledPath(path: ConfigPath): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

interface Found {
  readonly path: ConfigPath;
  readonly message: string;
}

function problemsOf(issue: z.core.$ZodIssue, shape: ConfigJsonSchema): readonly Found[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code !== 'unrecognized_keys') return [{ path, message: messageOf(issue) }];
  return issue.keys.map((key) => {
    const near = nearestKey(shape, path, key);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    return { path: [...path, key], message: `unknown key${hint}` };
  });
}

/** The schema's own words where it has some; a missing value is called missing rather than undefined. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'is missing';
  // of a key of the user's own choice
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  return issue.message.replace(/^Invalid input: /, '');
}

function withAbsolutePaths(value: unknown, shape: ConfigJsonSchema, base: string): unknown {
  if (typeof value === 'string') return shape.format === 'path' && value !== '' ? resolve(base, value) : value;
  if (Array.isArray(value)) return value.map((item) => withAbsolutePaths(item, childOf(shape.items), base));
  if (!isRecord(value)) return value;
  // a key such as __proto__ is data, and is refused by its name later
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      const known = Object.hasOwn(shape.properties ?? {}, key) ? shape.properties?.[key] : shape.additionalProperties;
      return [key, withAbsolutePaths(child, childOf(known), base)];
    }),
  );
}

function childOf(schema: unknown): ConfigJsonSchema {
  return isSchema(schema) ? schema : {};
}
