// SPDX-License-Identifier: Apache-2.0
import { isRecord } from './document.ts';
import type { ConfigProblem } from './errors.ts';
import { type ConfigJsonSchema, type Leaf, nearest } from './known-keys.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Overridden {
  readonly root: unknown;
  /** The variable that gave a key its value, by the key with dots. */
  readonly variables: ReadonlyMap<string, string>;
}

/** `NOTARY_SERVER_` and `storage.db_url` make `NOTARY_SERVER_STORAGE_DB_URL`. */
function variableOf(prefix: string, path: readonly string[]): string {
  return prefix + path.join('_').toUpperCase();
}

/**
 * Values of the environment in the place of those in the file. Only keys of the schema are looked up, and an empty
 * variable counts as none.
 */
export function withEnvironment(root: unknown, leaves: readonly Leaf[], env: Environment, prefix: string): Overridden {
  const variables = new Map<string, string>();
  let changed = root;
  for (const { path, schema } of leaves) {
    const name = variableOf(prefix, path);
    const text = env[name];
    if (text === undefined || text === '') continue;
    changed = withValue(changed, path, fromText(text, schema));
    variables.set(path.join('.'), name);
  }
  return { root: changed, variables };
}

/**
 * What Kubernetes puts into the environment of each pod for each service beside it: of one that is called as the prefix, or begins
 * with it, its variables look like ours.
 */
const OF_A_SERVICE =
  /(?:^|_)(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/** Variables with the prefix that stand for no key: settings that would silently not be obeyed. */
export function strangeVariables(leaves: readonly Leaf[], env: Environment, prefix: string): readonly ConfigProblem[] {
  const known = leaves.map(({ path }) => variableOf('', path));
  return Object.entries(env).flatMap(([variable, text]) => {
    const rest = variable.slice(prefix.length);
    if (!variable.startsWith(prefix) || text === undefined || text === '') return [];
    if (known.includes(rest) || OF_A_SERVICE.test(rest)) return [];
    const near = nearest(rest, known);
    const hint = near === undefined ? '' : `; did you mean ${prefix}${near}?`;
    return [{ key: '', message: `stands for no key${hint}`, variable }];
  });
}

/** A variable is text; what the key wants says what the text means. What does not fit is left for the schema to refuse. */
function fromText(text: string, schema: ConfigJsonSchema): unknown {
  switch (schema.type) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'integer':
    case 'number':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
    case 'array':
      return text.split(/[\s,]+/).filter((word) => word !== '');
    default:
      return text;
  }
}

function withValue(root: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const record = isRecord(root) ? root : {};
  return { ...record, [key]: withValue(record[key], rest, value) };
}
