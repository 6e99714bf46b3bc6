// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DecodeError, decodeJsonObject, type JsonObject, type JsonValue } from '../encoding/index.ts';
import { CredentialsError, dockerConfigDirectory, type Environment, loadDockerConfig } from '../registry/index.ts';
import { EngineError } from './errors.ts';

/** PEM files of a TLS connection. */
export interface EndpointTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly verify: boolean;
}

/** Where an engine listens. `text` is how Docker names it in messages. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly text: string; readonly socketPath: string }
  | {
      readonly kind: 'tcp';
      readonly text: string;
      readonly hostname: string;
      readonly port: number;
      readonly tls?: EndpointTls;
    };

export interface EndpointOptions {
  readonly env: Environment;
  /** `--host`; comes before every other setting. */
  readonly host?: string;
  /** `--context`. */
  readonly context?: string;
}

const DEFAULT_HOST = 'unix:///var/run/docker.sock';
const DEFAULT_CONTEXT = 'default';
const CONTEXT_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;

/**
 * The engine that the docker CLI would talk to: `--context`, then `--host`, `DOCKER_HOST` (both of which mean the context
 * "default"), `DOCKER_CONTEXT`, `currentContext` of config.json, and the local socket.
 * @throws EngineError `unsupported` for ssh and named pipes, `bad-endpoint`
 */
export async function resolveEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { env } = options;
  const name = await contextName(options);
  if (name !== undefined && name !== DEFAULT_CONTEXT) return contextEndpoint(name, dockerConfigDirectory(env));
  const host = options.host ?? (nonEmpty(env.DOCKER_HOST) || DEFAULT_HOST);
  return parseEndpoint(host, await environmentTls(env));
}

async function contextName({ env, host, context }: EndpointOptions): Promise<string | undefined> {
  if (context !== undefined) return context;
  if (host !== undefined || nonEmpty(env.DOCKER_HOST) !== '') return undefined;
  const named = nonEmpty(env.DOCKER_CONTEXT);
  if (named !== '') return named;
  try {
    return (await loadDockerConfig(env)).currentContext;
  } catch (error) {
    if (error instanceof CredentialsError) throw new EngineError('bad-endpoint', error.message, { cause: error });
    throw error;
  }
}

/** @throws EngineError */
export function parseEndpoint(host: string, tls?: EndpointTls): Endpoint {
  const [scheme, rest] = split(host, '://');
  if (scheme === 'unix' && rest !== '') return { kind: 'unix', text: host, socketPath: rest };
  if (scheme === 'ssh' || scheme === 'npipe' || scheme === 'fd') {
    throw new EngineError('unsupported', `engine at ${scheme}://… cannot be reached from here: use unix:// or tcp://`);
  }
  const isTcp = scheme === 'tcp' || scheme === 'http' || scheme === 'https';
  const url = isTcp && URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '') {
    throw new EngineError(
      'bad-endpoint',
      `unable to parse docker host "${host.replace(/\/\/.*@/, '//…@').slice(0, 200)}"`,
    );
  }
  const secure = tls ?? (scheme === 'https' ? { verify: true } : undefined);
  const port =
    url.port === '' ? (/:80(?:\/|$)/.test(rest) ? 80 : secure === undefined ? 2375 : 2376) : Number(url.port);
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  return { kind: 'tcp', text: host, hostname, port, ...(secure === undefined ? {} : { tls: secure }) };
}

/** `DOCKER_TLS_VERIFY` and `DOCKER_TLS` switch TLS on; the files lie in `DOCKER_CERT_PATH`, else beside config.json. */
async function environmentTls(env: Environment): Promise<EndpointTls | undefined> {
  const verify = nonEmpty(env.DOCKER_TLS_VERIFY) !== '';
  if (!verify && nonEmpty(env.DOCKER_TLS) === '') return undefined;
  const directory = nonEmpty(env.DOCKER_CERT_PATH) || dockerConfigDirectory(env);
  return { ...(await tlsFiles(directory)), verify };
}

async function contextEndpoint(name: string, directory: string): Promise<Endpoint> {
  if (!CONTEXT_NAME.test(name)) throw new EngineError('bad-endpoint', `context name "${name.slice(0, 80)}" is invalid`);
  const id = createHash('sha256').update(name).digest('hex');
  const endpoint = member(
    member(await contextMeta(name, join(directory, 'contexts', 'meta', id, 'meta.json')), 'Endpoints'),
    'docker',
  );
  const host = endpoint?.get('Host');
  if (typeof host !== 'string') throw new EngineError('bad-endpoint', `context "${name}": names no docker endpoint`);
  const files = await tlsFiles(join(directory, 'contexts', 'tls', id, 'docker'));
  const skipsVerify = endpoint?.get('SkipTLSVerify') === true;
  const hasTls = files.ca !== undefined || files.cert !== undefined || skipsVerify;
  return parseEndpoint(host, hasTls ? { ...files, verify: !skipsVerify } : undefined);
}

async function contextMeta(name: string, path: string): Promise<JsonObject> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new EngineError('bad-endpoint', `context "${name}": context not found`, { cause: error });
  });
  try {
    return decodeJsonObject(bytes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new EngineError('bad-endpoint', `context "${name}": ${path}: ${error.message}`, { cause: error });
  }
}

async function tlsFiles(directory: string): Promise<Omit<EndpointTls, 'verify'>> {
  const read = (file: string): Promise<string | undefined> =>
    readFile(join(directory, file), 'utf8').catch(() => undefined);
  const [ca, cert, key] = await Promise.all([read('ca.pem'), read('cert.pem'), read('key.pem')]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function member(object: JsonObject | undefined, key: string): JsonObject | undefined {
  const value: JsonValue | undefined = object?.get(key);
  return value instanceof Map ? (value as JsonObject) : undefined;
}

function split(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? ['', text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function nonEmpty(text: string | undefined): string {
  return text ?? '';
}
