// SPDX-License-Identifier: Apache-2.0
import { DecodeError, decodeBase64, decodeJsonObject, decodeUtf8, type JsonObject } from '../../encoding/index.ts';
import { CredentialsError } from '../errors.ts';
import type { Credentials } from './auth-token.ts';
import { type HelperRunner, runCredentialHelper } from './credential-helper.ts';
import { type DockerConfig, type Environment, loadDockerConfig } from './docker-config.ts';

/** Under which name Docker keeps the login of Docker Hub. */
const HUB_KEY = 'https://index.docker.io/v1/';
const HUB_HOSTS = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];
/** A helper's user name that says: the secret is an identity token. */
const TOKEN_USER = '<token>';

export interface CredentialOptions {
  readonly env: Environment;
  /** Where config.json lies; by `DOCKER_CONFIG` and the home directory unless given. */
  readonly directory?: string;
  readonly runHelper?: HelperRunner;
}

/**
 * The user's login for a registry as Docker finds it: `DOCKER_AUTH_CONFIG`, the host's credential helper, the general
 * store, `config.json`. `undefined` where there is none.
 * @param domain registry as in image names, `docker.io` or `localhost:5000`
 * @throws CredentialsError
 */
export async function dockerCredentials(domain: string, options: CredentialOptions): Promise<Credentials | undefined> {
  const config = await loadDockerConfig(options.env, options.directory);
  const key = HUB_HOSTS.includes(domain) ? HUB_KEY : domain;
  const fromEnvironment = entryFor(config.environmentAuths, key);
  if (fromEnvironment !== undefined) return credentialsOf(fromEnvironment, 'DOCKER_AUTH_CONFIG');
  const helper = config.credHelpers.get(key) ?? config.credHelpers.get(domain) ?? config.credsStore;
  if (helper !== undefined) return fromHelper(helper, key, options);
  const entry = entryFor(config.auths, key);
  return entry === undefined ? undefined : credentialsOf(entry, fileName(config));
}

function fileName(config: DockerConfig): string {
  return `${config.directory}/config.json`;
}

/** Docker finds an entry by its exact key, else by the host that an old key's URL names. */
function entryFor(auths: ReadonlyMap<string, JsonObject>, key: string): JsonObject | undefined {
  const exact = auths.get(key);
  if (exact !== undefined) return exact;
  const wanted = hostOf(key);
  return [...auths].find(([other]) => hostOf(other) === wanted)?.[1];
}

function hostOf(key: string): string {
  const bare = key.replace(/^https?:\/\//, '').split('/', 1)[0] ?? '';
  return bare === 'index.docker.io' ? 'docker.io' : bare;
}

async function fromHelper(helper: string, key: string, options: CredentialOptions): Promise<Credentials | undefined> {
  const answer = await (options.runHelper ?? runCredentialHelper)(helper, key, options.env);
  if (answer === undefined) return undefined;
  const bad = (cause?: unknown): CredentialsError =>
    new CredentialsError('helper-failed', `credential helper ${helper}: answer is not what it should be`, cause);
  try {
    const object = decodeJsonObject(answer, { depth: 4, values: 100 });
    const username = object.get('Username');
    const secret = object.get('Secret');
    if (typeof username !== 'string' || typeof secret !== 'string') throw bad();
    if (username === '' && secret === '') return undefined;
    return username === TOKEN_USER
      ? { kind: 'identity-token', token: secret }
      : { kind: 'basic', username, password: secret };
  } catch (error) {
    // the cause could quote the answer, and that holds the secret
    throw error instanceof DecodeError ? bad() : error;
  }
}

function credentialsOf(entry: JsonObject, source: string): Credentials | undefined {
  const text = (name: string): string => {
    const value = entry.get(name);
    return typeof value === 'string' ? value : '';
  };
  if (text('identitytoken') !== '') return { kind: 'identity-token', token: text('identitytoken') };
  if (text('registrytoken') !== '') return { kind: 'registry-token', token: text('registrytoken') };
  if (text('auth') !== '') return decodeAuth(text('auth'), source);
  const [username, password] = [text('username'), text('password')];
  return username === '' ? undefined : { kind: 'basic', username, password };
}

/** Base64 of `user:password`; the password may hold colons, the name may not. */
function decodeAuth(auth: string, source: string): Credentials {
  let text: string;
  try {
    text = decodeUtf8(decodeBase64(auth));
  } catch {
    throw new CredentialsError('malformed', `${source}: an "auth" is not base64`);
  }
  const colon = text.indexOf(':');
  if (colon < 1) throw new CredentialsError('malformed', `${source}: an "auth" is not a user name and a password`);
  return { kind: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}
