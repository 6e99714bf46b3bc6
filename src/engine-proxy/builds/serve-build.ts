// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { DecodeError, decodeJsonObject, encodeUtf8, type JsonValue } from '../../encoding/index.ts';
import type { Endpoint } from '../../engine/index.ts';
import { agreeToBody } from '../answers.ts';
import { dial, join, write } from '../engine-link.ts';
import { type ImageJudge, RefusedImageError } from '../judge.ts';
import { type KnownParameters, parametersOf } from '../pull.ts';
import { AmbiguousRequestError, encodeRequestHead, type RequestHead } from '../request-head.ts';
import { SocketReader } from '../socket-reader.ts';
import { pinnedContext } from './build-context.ts';
import { type Pin, pinDockerfile } from './pinned-dockerfile.ts';

/** What the docker CLI gives a build. Other engines know more, such as what to build from in the place of FROM. */
const BUILD: KnownParameters = {
  names: new Set(
    [
      't extrahosts securityopt dockerfile remote target platform labels buildargs cachefrom version buildid session outputs',
      'q nocache rm forcerm pull squash networkmode isolation ulimits shmsize cgroupparent',
      'memory memswap cpusetcpus cpusetmems cpushares cpuquota cpuperiod',
    ].flatMap((names) => names.split(' ')),
  ),
  repeatable: new Set(['t', 'securityopt', 'extrahosts']),
};

const NO_BUILDKIT =
  'content trust: BuildKit takes images from registries by itself, and which ones cannot be judged here: ' +
  'build with DOCKER_BUILDKIT=0, which is the classic builder';

export function buildKitRefused(): AmbiguousRequestError {
  return new AmbiguousRequestError(NO_BUILDKIT);
}

/**
 * A build by the classic builder, in which every image that it starts from or copies from is the one that was signed.
 * @throws AmbiguousRequestError, RefusedImageError; the engine has then been told nothing that it could build
 */
export async function serveBuild(
  head: RequestHead,
  client: Socket,
  reader: SocketReader,
  { judge, endpoint }: { readonly judge: ImageJudge; readonly endpoint: Endpoint },
): Promise<void> {
  const pin: Pin = async (image) => {
    const ruling = await judge.forPullOrUse(image);
    if (ruling.kind === 'use') return ruling.reference;
    if (ruling.kind === 'as-named') return image;
    throw new RefusedImageError(ruling);
  };
  const asked = readParameters(head);
  const query = new URLSearchParams(head.query);
  if (asked.cacheFrom.length > 0) query.set('cachefrom', JSON.stringify(await Promise.all(asked.cacheFrom.map(pin))));
  agreeToBody(head, client);
  const context = pinnedContext(reader.stream(head.body), asked.dockerfile, (dockerfile) =>
    pinDockerfile(dockerfile, asked.given, pin),
  );
  query.set('dockerfile', context.dockerfile);
  const engine = await dial(endpoint);
  // an engine that says no before the end is heard after it
  const answers = new SocketReader(engine);
  client.on('close', () => engine.destroy());
  try {
    engine.write(encodeRequestHead(head, `${encodeURI(head.path)}?${query}`, CHUNKED));
    for await (const part of context.tar) if (part.length > 0) await writeChunk(engine, part);
    engine.write('0\r\n\r\n');
  } catch (error) {
    engine.destroy();
    throw error;
  }
  client.write(answers.release());
  if (engine.destroyed || engine.readableEnded) client.end();
  else join(client, engine);
}

const CHUNKED = {
  'content-length': undefined,
  expect: undefined,
  'transfer-encoding': 'chunked',
  connection: 'close',
} as const;

async function writeChunk(engine: Socket, part: Uint8Array): Promise<void> {
  engine.write(`${part.length.toString(16)}\r\n`);
  await write(engine, part);
  engine.write('\r\n');
}

interface BuildParameters {
  readonly dockerfile: string;
  readonly given: ReadonlyMap<string, string | undefined>;
  readonly cacheFrom: readonly string[];
}

function readParameters(head: RequestHead): BuildParameters {
  const parameters = parametersOf(head, BUILD);
  const isSet = (name: string) => (parameters.get(name) ?? '') !== '';
  if ((isSet('version') && parameters.get('version') !== '1') || isSet('session') || isSet('outputs'))
    throw buildKitRefused();
  if (isSet('remote'))
    throw new AmbiguousRequestError('a build from a remote context cannot be judged: give its files');
  return {
    dockerfile: parameters.get('dockerfile') || 'Dockerfile',
    given: givenArguments(parameters.get('buildargs') ?? ''),
    cacheFrom: cacheSources(parameters.get('cachefrom') ?? ''),
  };
}

function givenArguments(json: string): ReadonlyMap<string, string | undefined> {
  if (json === '' || json === 'null') return new Map();
  return new Map([...readJson(json, 'buildargs')].map(([name, value]) => [name, textOrNone(value, 'buildargs')]));
}

function cacheSources(json: string): readonly string[] {
  if (json === '' || json === 'null') return [];
  const list = readJson(`{"list":${json}}`, 'cachefrom').get('list');
  if (!Array.isArray(list)) throw odd('cachefrom');
  return list.map((item) => textOrNone(item, 'cachefrom') ?? '');
}

function readJson(json: string, name: string): ReadonlyMap<string, JsonValue> {
  try {
    return decodeJsonObject(encodeUtf8(json));
  } catch (cause) {
    if (cause instanceof DecodeError) throw odd(name, cause);
    throw cause;
  }
}

function textOrNone(value: JsonValue, name: string): string | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'string') throw odd(name);
  return value;
}

function odd(name: string, cause?: unknown): AmbiguousRequestError {
  return new AmbiguousRequestError(`${name} of the build cannot be read`, { cause });
}
