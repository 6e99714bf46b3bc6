// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { type Endpoint, EngineError } from '../engine/index.ts';
import { type Answer, agreeToBody, answer, message, refusal } from './answers.ts';
import { buildKitRefused, serveBuild } from './builds/serve-build.ts';
import { dial, join, write } from './engine-link.ts';
import { imagesOfContainer, imagesOfService, type NamedImages } from './images-in-body.ts';
import { type ImageJudge, RefusedImageError, type Ruling } from './judge.ts';
import { PLUGIN, PULL, parametersOf, pluginQuery, pulledImage, pullTrusted } from './pull.ts';
import {
  AmbiguousRequestError,
  encodeRequestHead,
  parseRequestHead,
  type RequestHead,
  valuesOf,
} from './request-head.ts';
import { parseResponseHead } from './response-head.ts';
import { type Route, routeOf } from './routes.ts';
import { DisconnectedError, SocketReader } from './socket-reader.ts';

/** Whether builds pass as they are, or use what is signed; the latter with the classic builder alone. */
export type BuildManner = 'pass' | 'judge';

export interface ProxyDeps {
  readonly judge: ImageJudge;
  readonly endpoint: Endpoint;
  readonly builds: BuildManner;
  /** Told of what nobody foresaw; the request was refused then. */
  readonly onError: (error: unknown) => void;
}

/** A container's description; larger ones serve nobody. */
const MAX_BODY = 4 * 1024 * 1024;
const HEAD_MILLISECONDS = 60_000;

/**
 * One connection of a client: one request, then its end, so that nothing that comes after it can pass unseen. Only a
 * stream that the engine itself has agreed to goes on in both directions, byte for byte.
 */
export async function serveConnection(client: Socket, deps: ProxyDeps): Promise<void> {
  const reader = new SocketReader(client);
  // who says nothing holds no place
  const timer = setTimeout(() => client.destroy(), HEAD_MILLISECONDS);
  try {
    const bytes = await reader.head();
    clearTimeout(timer);
    await serve(parseRequestHead(bytes), client, reader, deps);
  } catch (error) {
    clearTimeout(timer);
    if (error instanceof DisconnectedError || client.destroyed) client.destroy();
    else await answer(client, refusalOf(error, deps));
  }
}

function refusalOf(error: unknown, { onError }: ProxyDeps): Answer {
  if (error instanceof AmbiguousRequestError) return message(400, error.told);
  if (error instanceof RefusedImageError) return refusal(error.ruling);
  if (error instanceof EngineError) return message(502, error.message);
  onError(error);
  return message(503, 'content trust: internal error');
}

async function serve(head: RequestHead, client: Socket, reader: SocketReader, deps: ProxyDeps): Promise<void> {
  const route: Route = routeOf(head);
  switch (route) {
    case 'pull':
      return servePull(head, client, reader, deps);
    case 'pull-plugin':
      return servePlugin(head, client, reader, deps);
    case 'create-container':
      return serveRun(head, client, reader, deps, imagesOfContainer, (image) => deps.judge.forUse(image));
    case 'create-service':
      return serveRun(head, client, reader, deps, imagesOfService, (image) => deps.judge.forTasks(image));
    case 'build':
      if (deps.builds === 'judge') return serveBuild(head, client, reader, deps);
      return forward(head, target(head), client, reader, deps);
    case 'buildkit':
      if (deps.builds === 'judge') throw buildKitRefused();
      return forwardStream(head, client, reader, deps);
    case 'stream':
      requireStreamProtocol(head);
      return forwardStream(head, client, reader, deps);
    case 'pass':
      return forward(head, target(head), client, reader, deps);
    default:
      return route satisfies never;
  }
}

async function servePull(head: RequestHead, client: Socket, reader: SocketReader, deps: ProxyDeps): Promise<void> {
  const parameters = parametersOf(head, PULL);
  // an import makes an image without a name that could be trusted: what is run of it is judged then
  if ((parameters.get('fromImage') ?? '') === '') return forward(head, target(head), client, reader, deps);
  const image = pulledImage(parameters);
  const ruling = await deps.judge.forPull(image);
  if (ruling.kind === 'as-named') return forward(head, target(head), client, reader, deps);
  if (ruling.kind !== 'use') return answer(client, refusal(ruling));
  await reader.content(head.body, MAX_BODY);
  // a pull that nobody waits for any more ends
  const gone = new AbortController();
  client.once('close', () => gone.abort());
  return answer(client, await pullTrusted(head, deps.endpoint, ruling.reference, image, gone.signal));
}

async function servePlugin(head: RequestHead, client: Socket, reader: SocketReader, deps: ProxyDeps): Promise<void> {
  const remote = parametersOf(head, PLUGIN).get('remote') ?? '';
  if (remote === '') throw new AmbiguousRequestError('a plugin without a name');
  const ruling = await deps.judge.forPull(remote);
  if (ruling.kind === 'as-named') return forward(head, target(head), client, reader, deps);
  if (ruling.kind !== 'use') return answer(client, refusal(ruling));
  return forward(head, `${encodeURI(head.path)}?${pluginQuery(head.query, ruling.reference)}`, client, reader, deps);
}

async function serveRun(
  head: RequestHead,
  client: Socket,
  reader: SocketReader,
  deps: ProxyDeps,
  imagesOf: (body: Uint8Array) => NamedImages,
  judged: (image: string) => Promise<Ruling>,
): Promise<void> {
  agreeToBody(head, client);
  const { document, places } = imagesOf(await reader.content(head.body, MAX_BODY));
  const changes = new Map<(typeof places)[number], string>();
  const rulings = new Map<string, Ruling>();
  for (const place of places) {
    const ruling = rulings.get(place.value) ?? (await judged(place.value));
    if (ruling.kind === 'refused' || ruling.kind === 'missing') return answer(client, refusal(ruling));
    if (ruling.kind === 'use') changes.set(place, ruling.reference);
    rulings.set(place.value, ruling);
  }
  const body = document.replaced(changes);
  const length = {
    'content-length': String(body.length),
    'transfer-encoding': undefined,
    expect: undefined,
    connection: 'close',
  };
  const engine = await dial(deps.endpoint);
  engine.write(encodeRequestHead(head, target(head), length));
  engine.write(body);
  join(client, engine);
}

/** A request that is none of the policy's business: its very bytes, and nothing after them. */
async function forward(
  head: RequestHead,
  to: string,
  client: Socket,
  reader: SocketReader,
  deps: ProxyDeps,
): Promise<void> {
  const engine = await dial(deps.endpoint);
  engine.write(encodeRequestHead(head, to, { connection: 'close' }));
  engine.pipe(client);
  engine.on('close', () => client.end());
  client.on('close', () => engine.destroy());
  for await (const part of reader.raw(head.body)) await write(engine, part);
}

/**
 * A request for a raw stream. It becomes one when the engine says so; otherwise the answer is all there is, and what the
 * client sends on would be another request.
 */
/** Attach and exec speak no HTTP; over an HTTP/2 that starts on any path, requests would pass that nobody judged. */
function requireStreamProtocol({ headers }: RequestHead): void {
  for (const protocol of valuesOf(headers, 'upgrade')) {
    if (!/^(?:tcp|websocket)$/i.test(protocol.trim()))
      throw new AmbiguousRequestError(`an upgrade to ${protocol.slice(0, 40)}`);
  }
}

async function forwardStream(head: RequestHead, client: Socket, reader: SocketReader, deps: ProxyDeps): Promise<void> {
  const engine = await dial(deps.endpoint);
  client.on('close', () => engine.destroy());
  engine.write(encodeRequestHead(head, target(head), head.upgrades ? {} : { connection: 'close' }));
  for await (const part of reader.raw(head.body)) await write(engine, part);
  const answers = new SocketReader(engine);
  const bytes = await answers.head();
  const response = parseResponseHead(bytes);
  client.write(bytes);
  client.write('\r\n\r\n');
  const isRaw = /^application\/vnd\.docker\.(?:raw|multiplexed)-stream/.test(response.contentType);
  if (response.status === 101 || (response.status === 200 && isRaw && response.body.kind === 'until-close')) {
    client.write(answers.release());
    engine.write(reader.release());
    client.pipe(engine);
    engine.pipe(client);
    engine.on('close', () => client.destroySoon());
    return;
  }
  if (response.body.kind === 'until-close') {
    client.write(answers.release());
    engine.pipe(client);
    return;
  }
  for await (const part of answers.raw(response.body)) await write(client, part);
  client.end();
  engine.destroy();
}

/** The path and query as they are judged: the path was held to be plain. */
function target({ path, query }: RequestHead): string {
  return `${encodeURI(path)}${query === '' ? '' : `?${query}`}`;
}
