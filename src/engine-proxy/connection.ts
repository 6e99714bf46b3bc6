// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Endpoint, EngineError } from '../engine/index.ts';
import { imagesOfContainer, imagesOfService, type NamedImages } from './images-in-body.ts';
import type { ImageJudge, Ruling } from './judge.ts';
import { type Answer, parametersOf, pluginQuery, pulledImage, pullTrusted } from './pull.ts';
import { AmbiguousRequestError, encodeRequestHead, parseRequestHead, type RequestHead } from './request-head.ts';
import { parseResponseHead } from './response-head.ts';
import { type Route, routeOf } from './routes.ts';
import { DisconnectedError, SocketReader } from './socket-reader.ts';

export interface ProxyDeps {
  readonly judge: ImageJudge;
  readonly endpoint: Endpoint;
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
    if (error instanceof DisconnectedError) client.destroy();
    else await answer(client, refusalOf(error, deps));
  }
}

function refusalOf(error: unknown, { onError }: ProxyDeps): Answer {
  if (error instanceof AmbiguousRequestError) return message(400, error.message);
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
      return serveRun(head, client, reader, deps, imagesOfContainer);
    case 'create-service':
      return serveRun(head, client, reader, deps, imagesOfService);
    case 'stream':
      return forwardStream(head, client, reader, deps);
    case 'pass':
      return forward(head, target(head), client, reader, deps);
    default:
      return route satisfies never;
  }
}

async function servePull(head: RequestHead, client: Socket, reader: SocketReader, deps: ProxyDeps): Promise<void> {
  const parameters = parametersOf(head);
  // an import makes an image without a name that could be trusted: what is run of it is judged then
  if ((parameters.get('fromImage') ?? '') === '') return forward(head, target(head), client, reader, deps);
  const image = pulledImage(parameters);
  const ruling = await deps.judge.forPull(image);
  if (ruling.kind === 'as-named') return forward(head, target(head), client, reader, deps);
  if (ruling.kind !== 'use') return answer(client, refusal(ruling));
  await reader.content(head.body, MAX_BODY);
  return answer(client, await pullTrusted(head, deps.endpoint, ruling.reference, image));
}

async function servePlugin(head: RequestHead, client: Socket, reader: SocketReader, deps: ProxyDeps): Promise<void> {
  const remote = parametersOf(head).get('remote') ?? '';
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
): Promise<void> {
  if (head.headers.some(({ name, value }) => name === 'expect' && value.toLowerCase() === '100-continue'))
    client.write('HTTP/1.1 100 Continue\r\n\r\n');
  const { document, places } = imagesOf(await reader.content(head.body, MAX_BODY));
  const changes = new Map<(typeof places)[number], string>();
  for (const place of places) {
    const ruling = await deps.judge.forUse(place.value);
    if (ruling.kind === 'refused' || ruling.kind === 'missing') return answer(client, refusal(ruling));
    if (ruling.kind === 'use') changes.set(place, ruling.reference);
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

function join(client: Socket, engine: Socket): void {
  engine.pipe(client);
  engine.on('close', () => client.end());
  client.on('close', () => engine.destroy());
}

/** The path and query as they are judged: the path was held to be plain. */
function target({ path, query }: RequestHead): string {
  return `${encodeURI(path)}${query === '' ? '' : `?${query}`}`;
}

async function write(socket: Socket, part: Uint8Array): Promise<void> {
  if (socket.write(part) || socket.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}

/** @throws EngineError `unreachable` */
function dial(endpoint: Endpoint): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket =
      endpoint.kind === 'unix'
        ? connect(endpoint.socketPath)
        : endpoint.tls === undefined
          ? connect(endpoint.port, endpoint.hostname)
          : dialTls(endpoint.hostname, endpoint.port, endpoint.tls);
    socket.once(endpoint.kind === 'tcp' && endpoint.tls !== undefined ? 'secureConnect' : 'connect', () =>
      resolve(socket),
    );
    socket.once('error', (cause) =>
      reject(
        new EngineError(
          'unreachable',
          `Cannot connect to the Docker daemon at ${endpoint.text}. Is the docker daemon running?`,
          { cause },
        ),
      ),
    );
  });
}

function dialTls(
  host: string,
  port: number,
  { verify, ...files }: NonNullable<Extract<Endpoint, { kind: 'tcp' }>['tls']>,
): Socket {
  return connectTls({ host, port, ...files, rejectUnauthorized: verify });
}

function refusal(ruling: Extract<Ruling, { kind: 'refused' | 'missing' }>): Answer {
  return message(ruling.kind === 'missing' ? 404 : ruling.status, ruling.message);
}

/** In the form of the engine's own errors, so that every client shows it. */
function message(status: number, text: string): Answer {
  const body = Buffer.from(`${JSON.stringify({ message: text })}\n`);
  return {
    status,
    contentType: 'application/json',
    body: (async function* () {
      yield body;
    })(),
  };
}

/** Answers and ends: the end of the connection is the end of the body. */
async function answer(client: Socket, { status, contentType, body }: Answer): Promise<void> {
  client.write(`HTTP/1.1 ${status} Answer\r\nContent-Type: ${contentType}\r\nConnection: close\r\n\r\n`);
  for await (const part of body) await write(client, part);
  client.end();
  // what the client still sends is read and dropped, so that it gets to read the answer
  client.resume();
}
