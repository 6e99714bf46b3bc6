// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import type { Endpoint } from '../engine/index.ts';
import { exchange } from '../engine/index.ts';
import { familiarName, InvalidReferenceError, parseReference } from '../registry/index.ts';
import type { Answer } from './answers.ts';
import { AmbiguousRequestError, type RequestHead, valuesOf } from './request-head.ts';
import { versionOf } from './routes.ts';

/** Parameters of an endpoint; only `repeatable` ones may be there more than once. */
export interface KnownParameters {
  readonly names: ReadonlySet<string>;
  readonly repeatable: ReadonlySet<string>;
}

export const PULL: KnownParameters = {
  names: new Set(['fromImage', 'fromSrc', 'repo', 'tag', 'message', 'changes', 'platform']),
  repeatable: new Set(['changes']),
};
export const PLUGIN: KnownParameters = { names: new Set(['remote', 'name']), repeatable: new Set() };

/**
 * Whether the engine could read a body of this media type as parameters. Go takes spaces beyond ASCII from a type's ends and
 * folds letters beyond ASCII into those of ASCII (`applİcation`), so a type with any such character could be one of a form.
 */
export function couldBeForm(type: string): boolean {
  return /[^\t\x20-\x7e]/.test(type) || /^\s*(?:application\/x-www-form-urlencoded|multipart\/form-data)/i.test(type);
}

/**
 * The parameters of a query. What is not known is refused: another engine could have a meaning for it, or take it for a known
 * one in other letters.
 * @throws AmbiguousRequestError
 */
export function parametersOf(
  { query, headers, body }: RequestHead,
  { names, repeatable }: KnownParameters,
): ReadonlyMap<string, string> {
  // the engine reads a form's fields before those of the query
  if (body.kind !== 'none' && valuesOf(headers, 'content-type').some(couldBeForm))
    throw new AmbiguousRequestError('parameters in a form');
  if (query.includes(';')) throw new AmbiguousRequestError('a query with semicolons');
  const found = new Map<string, string>();
  // a question mark at the start belongs to the first name, which URLSearchParams would take away
  for (const [name, value] of new URLSearchParams(query.startsWith('?') ? `&${query}` : query)) {
    if (!names.has(name)) throw new AmbiguousRequestError(`a parameter that is not known here: ${name.slice(0, 40)}`);
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
      throw new AmbiguousRequestError('name one tag: a pull of all tags cannot be verified here');
    if (tag === '') return name;
    // the engine goes by the digest in the name then, whatever tag is beside it
    if (reference.digest !== undefined)
      throw new AmbiguousRequestError('a digest in the name, and a tag or digest beside it');
    // as the engine has it, a tag or digest of its own takes the place of the name's tag
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
