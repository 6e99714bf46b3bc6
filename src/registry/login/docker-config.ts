// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DecodeError, decodeJsonObject, encodeUtf8, type JsonObject, type JsonValue } from '../../encoding/index.ts';
import { systemCode } from '../durable.ts';
import { CredentialsError } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What of Docker's configuration concerns logins and the choice of an engine. */
export interface DockerConfig {
  /** The directory it lies in; trust data and contexts lie beside. */
  readonly directory: string;
  /** Members of `auths`, by the key as it stands there. */
  readonly auths: ReadonlyMap<string, JsonObject>;
  /** Members of the environment's `DOCKER_AUTH_CONFIG`, which come before everything else. */
  readonly environmentAuths: ReadonlyMap<string, JsonObject>;
  readonly credsStore?: string;
  readonly credHelpers: ReadonlyMap<string, string>;
  readonly currentContext?: string;
}

const MAX_BYTES = 4 * 1024 * 1024;

/** `$DOCKER_CONFIG`, else `~/.docker`. */
export function dockerConfigDirectory(env: Environment): string {
  const named = env.DOCKER_CONFIG;
  return named === undefined || named === '' ? join(env.HOME ?? homedir(), '.docker') : named;
}

/** Reads `config.json`; a file that is not there says nothing. @throws CredentialsError naming the file, never its content */
export async function loadDockerConfig(
  env: Environment,
  directory: string = dockerConfigDirectory(env),
): Promise<DockerConfig> {
  const path = join(directory, 'config.json');
  const file = await readConfig(path);
  const text = (key: string): string | undefined => {
    const value = file?.get(key);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const credsStore = text('credsStore');
  const currentContext = text('currentContext');
  return {
    directory,
    auths: objectsOf(file?.get('auths'), path),
    environmentAuths: environmentAuths(env.DOCKER_AUTH_CONFIG),
    credHelpers: textsOf(file?.get('credHelpers'), path),
    ...(credsStore === undefined ? {} : { credsStore }),
    ...(currentContext === undefined ? {} : { currentContext }),
  };
}

async function readConfig(path: string): Promise<JsonObject | undefined> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_BYTES) throw new CredentialsError('malformed', `${path}: too long`);
    return decoded(bytes, path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code !== undefined) throw new CredentialsError('unreadable', `${path}: cannot be read (${code})`, error);
    throw error;
  }
}

function environmentAuths(text: string | undefined): ReadonlyMap<string, JsonObject> {
  if (text === undefined || text === '') return new Map();
  const name = 'DOCKER_AUTH_CONFIG';
  return objectsOf(decoded(encodeUtf8(text), name).get('auths'), name);
}

function decoded(bytes: Uint8Array, name: string): JsonObject {
  try {
    return decodeJsonObject(bytes);
  } catch (error) {
    if (error instanceof DecodeError) throw new CredentialsError('malformed', `${name}: ${error.message}`, error);
    throw error;
  }
}

function objectsOf(value: JsonValue | undefined, name: string): ReadonlyMap<string, JsonObject> {
  return entriesOf(value, name, (one): one is JsonObject => one instanceof Map);
}

function textsOf(value: JsonValue | undefined, name: string): ReadonlyMap<string, string> {
  return entriesOf(value, name, (one): one is string => typeof one === 'string');
}

function entriesOf<T extends JsonValue>(
  value: JsonValue | undefined,
  name: string,
  fits: (value: JsonValue) => value is T,
): ReadonlyMap<string, T> {
  if (value === undefined || value === null) return new Map();
  if (!(value instanceof Map)) throw new CredentialsError('malformed', `${name}: not an object where one is needed`);
  const entries = new Map<string, T>();
  for (const [key, entry] of value as JsonObject) if (fits(entry)) entries.set(key, entry);
  return entries;
}
