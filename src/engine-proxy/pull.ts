// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import type { Endpoint } from '../engine/index.ts';
import { exchange } from '../engine/index.ts';
import { familiarName, InvalidReferenceError, parseReference } from '../registry/index.ts';
import type { Answer } from './answers.ts';
import { AmbiguousRequestError, type RequestHead, valuesOf } from './request-head.ts';
import { versionOf } from './routes.ts';

/** Media types whose bodies the engine reads as parameters. */
export const FORMS = /^\s*(?:application\/x-www-form-urlencoded|multipart\/form-data)/i;

/** The parameters of a query, each once but for those that may be repeated. @throws AmbiguousRequestError */
export function parametersOf(
  { query, headers, body }: RequestHead,
  repeatable: ReadonlySet<string> = new Set(),
): ReadonlyMap<string, string> {
  // the engine reads a form's fields before those of the query
  if (body.kind !== 'none' && valuesOf(headers, 'content-type').some((type) => FORMS.test(type)))
    throw new AmbiguousRequestError('parameters in a form');
  if (query.includes(';')) throw new AmbiguousRequestError('a query with semicolons');
  const found = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (found.has(name) && !repeatable.has(name)) throw new AmbiguousRequestError(`${name} is there twice`);
    found.set(name, value);
  }
  return found;
}

/** What a pull is for: `name:tag` or `name@digest`. @throws AmbiguousRequestError */
export function pulledImage(parameters: ReadonlyMap<string, string>): string {
  const [name = '', tag = ''] = [parameters.get('fromImage'), parameters.get('tag')];
  try {
    const reference = parseReference(name);
    if (tag === '' && reference.tagDefaulted && reference.digest === undefined)
      throw new AmbiguousRequestError('content trust: name one tag: a pull of all tags cannot be verified here');
    // as the engine has it, a tag or digest of its own takes the place of what the name says
    if (tag === '') return name;
    return /^[a-z0-9+._-]+:[0-9a-fA-F]{32,}$/.test(tag)
      ? `${familiarName(reference)}@${tag}`
      : `${familiarName(reference)}:${tag}`;
  } catch (error) {
    if (error instanceof InvalidReferenceError) throw new AmbiguousRequestError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Pulls by the digest that was signed, and names it as it was asked for: the engine resolves no tag. The progress is the
 * engine's own.
 */
export async function pullTrusted(
  head: RequestHead,
  endpoint: Endpoint,
  reference: string,
  image: string,
  signal: AbortSignal,
): Promise<Answer> {
  const at = reference.lastIndexOf('@');
  const digest = reference.slice(at + 1);
  const { domain, path, tag, tagDefaulted, digest: asked } = parseReference(image);
  const name = familiarName({ domain, path, tagDefaulted });
  const query = new URLSearchParams(head.query);
  query.set('fromImage', name);
  query.set('tag', digest);
  const version = versionOf(head.path);
  const auth = valuesOf(head.headers, 'x-registry-auth')[0];
  const response = await exchange(endpoint, {
    method: 'POST',
    path: `${version}/images/create?${query}`,
    headers: auth === undefined ? {} : { 'x-registry-auth': auth },
    signal,
  });
  const status = response.statusCode ?? 502;
  const contentType = response.headers['content-type'] ?? 'application/json';
  if (status !== 200 || asked !== undefined || tag === undefined) return { status, contentType, body: response };
  const naming = `${version}/images/${name}@${digest}/tag?${new URLSearchParams({ repo: name, tag })}`;
  return { status, contentType, body: pulledThenNamed(response, endpoint, naming) };
}

async function* pulledThenNamed(pull: IncomingMessage, endpoint: Endpoint, naming: string): AsyncGenerator<Uint8Array> {
  let tail = '';
  let failed = false;
  for await (const chunk of pull) {
    const text = tail + Buffer.from(chunk as Uint8Array).toString('latin1');
    failed ||= /"error(?:Detail)?"\s*:/.test(text);
    tail = text.slice(-32);
    yield chunk as Uint8Array;
  }
  if (failed) return;
  const tagged = await exchange(endpoint, { method: 'POST', path: naming });
  tagged.resume();
  if (tagged.statusCode !== 201) {
    const message = 'content trust: the image was pulled by its digest and could not be named by its tag';
    yield Buffer.from(`${JSON.stringify({ errorDetail: { message }, error: message })}\r\n`);
  }
}

/** The query of a plugin's pull with the digest that was signed; the plugin keeps the name it would have had. */
export function pluginQuery(query: string, reference: string): string {
  const parameters = new URLSearchParams(query);
  const named = reference.slice(0, reference.lastIndexOf('@'));
  if ((parameters.get('name') ?? '') === '') parameters.set('name', named);
  const { domain, path, tagDefaulted } = parseReference(named);
  parameters.set(
    'remote',
    `${familiarName({ domain, path, tagDefaulted })}@${reference.slice(reference.lastIndexOf('@') + 1)}`,
  );
  return parameters.toString();
}
