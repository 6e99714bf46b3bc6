// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TrustDirectoryError } from '../../../src/client/index.ts';
import type { Decision } from '../../../src/policy/index.ts';
import { digestOf } from '../../../src/registry/index.ts';
import { errorOf, GatewayStage, REGISTRY, type StoredImage } from '../../support/gateway-stage.ts';
import { forgetTrust, rootKeyOf, rule, short } from '../../support/policy-stage.ts';
import { RepositorySimulator } from '../../support/repository-simulator.ts';
import { promised, type Scenario } from '../scenario.ts';

const PATH = 'acme/app';
const APP = `${REGISTRY}/${PATH}`;
/** Larger than what is checked before a byte is sent. */
const LAYER_BYTES = 300_000;

/** What the trust server has: tag 1 signed for `old`, then for `current` by a new root key; and what another publisher has. */
const STATES = ['before', 'now', 'impostor'] as const;
type State = (typeof STATES)[number];

interface Written {
  readonly rootKey: string;
  readonly states: Readonly<Record<State, readonly (readonly [string, string])[]>>;
}

/** The registry holds three images, the trust server is in one of its states; everything kept is in the directory. */
class Scene extends GatewayStage {
  readonly #written: Written;
  images: Record<'old' | 'current' | 'evil', StoredImage> | undefined;

  constructor(directory: string, state: State) {
    super(directory);
    this.#written = JSON.parse(readFileSync(join(directory, 'states.json'), 'utf8'));
    this.show(state);
  }

  show(state: State): void {
    const files = new Map(this.#written.states[state]);
    this.mood = (url) => {
      const file = files.get(decodeURIComponent(new URL(url).pathname).replace(`/v2/${APP}/_trust/tuf/`, ''));
      return file === undefined ? new Response(null, { status: 404 }) : new Response(Buffer.from(file, 'base64'));
    };
  }

  get rules(): string {
    return rule(`pins: { keys: { '${APP}': ['${this.#written.rootKey}'] } }\ndigests: { signed-ever: 3d }`);
  }

  async ready(): Promise<this> {
    this.images = await makeImages(this);
    return this;
  }
}

async function makeImages(stage: GatewayStage) {
  const layer = (byte: number) => new Uint8Array(LAYER_BYTES).fill(byte);
  return {
    old: await stage.image(PATH, '1', layer(1)),
    current: await stage.image(PATH, '1', layer(2)),
    evil: await stage.image(PATH, '2', layer(3)),
  };
}

let made: Promise<Written> | undefined;

async function makeStates(): Promise<Written> {
  const images = await makeImages(new GatewayStage('unused'));
  const [real, other] = [await create(), await create()];
  const rootKey = rootKeyOf(real);
  const before = real.tag('1', images.old.manifest).publish().served;
  await real.rotate('root');
  const now = real.tag('1', images.current.manifest).publish().served;
  const impostor = other.tag('1', images.evil.manifest).publish().served;
  const text = (served: ReadonlyMap<string, Uint8Array>) =>
    [...served].map(([name, file]) => [name, Buffer.from(file).toString('base64')] as const);
  return { rootKey, states: { before: text(before), now: text(now), impostor: text(impostor) } };
}

function create(): Promise<RepositorySimulator> {
  return RepositorySimulator.create({ gun: APP as RepositorySimulator['gun'] });
}

/** Written down, since the process that is killed is not the one that looks at what it left. */
async function keepStates(directory: string): Promise<void> {
  made ??= makeStates();
  writeFileSync(join(directory, 'states.json'), JSON.stringify(await made));
}

// -- the policy's own record ------------------------------------------------------------------------------------------

type Question = 'tag' | 'old' | 'evil' | 'evilTag';
type Asked = Readonly<Record<Question, Decision>>;
const ALL: readonly Question[] = ['tag', 'old', 'evil', 'evilTag'];

async function ask(scene: Scene, questions = ALL): Promise<Asked> {
  const { images } = await scene.ready();
  const references: Readonly<Record<Question, string>> = {
    tag: `${APP}:1`,
    old: `${APP}@${images?.old.digest}`,
    evil: `${APP}@${images?.evil.digest}`,
    evilTag: `${APP}:2`,
  };
  const engine = scene.engine(scene.rules, { point: 'gateway' });
  try {
    const asked: [Question, Decision][] = [];
    for (const question of questions) asked.push([question, await engine.decide(references[question])]);
    return Object.fromEntries(asked) as Asked;
  } finally {
    engine.close();
  }
}

/** What is refused stays refused; what is allowed is what was signed, or it is said why it could not be told. */
function checkAnswers(asked: Partial<Asked>, expected: { readonly tag: string; readonly old: string }): void {
  for (const name of ['evil', 'evilTag'] as const)
    promised(asked[name]?.outcome !== 'allow', `${name} is not let through: ${told(asked[name])}`);
  for (const name of ['tag', 'old'] as const)
    promised(
      [`allow ${expected[name]}`, 'unavailable state', undefined].includes(told(asked[name])),
      `${name} is what was signed, or unavailable, not ${told(asked[name])}`,
    );
}

function told(decision: Decision | undefined): string | undefined {
  return decision && short(decision);
}

async function decideAt(directory: string, state: State, questions = ALL): Promise<void> {
  const scene = new Scene(directory, state);
  const asked = await ask(scene, questions).catch((error) => {
    promised(error instanceof TrustDirectoryError, `a record that cannot be opened is a typed error, not ${error}`);
    throw error;
  });
  const old = scene.images?.old.digest ?? '';
  checkAnswers(asked, { tag: state === 'before' ? old : (scene.images?.current.digest ?? ''), old });
  const refused = Object.values(asked).filter(({ outcome }) => outcome === 'unavailable');
  if (refused.length > 0) throw new Error('not everything could be told');
}

/** Afterwards, where nothing fails any more. */
async function checkDecisions(directory: string, isOldKnown: boolean): Promise<void> {
  const scene = new Scene(directory, 'now');
  const asked = await ask(scene);
  promised(
    short(asked.tag) === `allow ${scene.images?.current.digest}`,
    `what is signed is allowed: ${short(asked.tag)}`,
  );
  promised(asked.evil.outcome === 'deny' && asked.evilTag.outcome === 'deny', 'what is not signed is denied');
  const old = short(asked.old);
  if (isOldKnown) promised(old === `allow ${scene.images?.old.digest}`, `what was seen signed is remembered: ${old}`);
  else promised(old === `allow ${scene.images?.old.digest}` || old === 'deny not-signed', `was it seen signed: ${old}`);
  scene.show('before');
  promised((await ask(scene)).tag.outcome === 'deny', 'an older state is refused');
  forgetTrust(scene);
  scene.show('impostor');
  promised(
    Object.values(await ask(scene)).every(({ outcome }) => outcome === 'deny'),
    'nor does another root fit the pins',
  );
  scene.show('now');
  promised((await ask(scene)).tag.outcome === 'allow', 'and the right one does');
}

const decided: Scenario = {
  name: 'a policy decides after its repository changed',
  async prepare(directory) {
    await keepStates(directory);
    await decideAt(directory, 'before');
  },
  act: (directory) => decideAt(directory, 'now'),
  check: (directory) => checkDecisions(directory, true),
};

const firstDecided: Scenario = {
  name: 'a policy decides for the first time',
  prepare: keepStates,
  // one decision, so that no later one makes good what this did not write
  act: (directory) => decideAt(directory, 'before', ['tag']),
  async check(directory, ended) {
    if (ended === 'failed') await decideAt(directory, 'before');
    await checkDecisions(directory, ended !== 'killed');
  },
};

// -- what the gateway keeps -------------------------------------------------------------------------------------------

async function pullThrough(scene: Scene): Promise<readonly string[]> {
  const { images } = await scene.ready();
  const get = await scene.gateway(scene.rules, { blobs: 'cache' });
  const at = (kind: string, name: string | undefined) => `/v2/${PATH}/${kind}/${name}`;
  const { current, evil } = images as NonNullable<Scene['images']>;
  const problems: string[] = [];
  for (const path of [
    at('manifests', '1'),
    at('manifests', current.digest),
    at('blobs', current.config),
    at('blobs', current.layer),
  ]) {
    const response = await get(path);
    const name = path.endsWith('/1') ? current.digest : path.slice(path.lastIndexOf('/') + 1);
    if (response.status === 200) {
      promised(digestOf(new Uint8Array(await response.arrayBuffer())) === name, `${path} is what was signed`);
      continue;
    }
    const { status, message } = await errorOf(response);
    promised(
      status === 503 && !/see its log/.test(message),
      `${path} is served, or it is said why not: ${status} ${message}`,
    );
    problems.push(message);
  }
  for (const path of [
    at('manifests', '2'),
    at('manifests', evil.digest),
    at('blobs', evil.config),
    at('blobs', evil.layer),
  ]) {
    const { status } = await get(path);
    promised(status === 403 || status === 503, `${path} is not let through: ${status}`);
    if (status === 503) problems.push(path);
  }
  return problems;
}

async function pullAt(directory: string, state: State): Promise<void> {
  const scene = new Scene(directory, state);
  try {
    const problems = await pullThrough(scene);
    if (problems.length > 0) throw new Error(problems.join());
  } finally {
    await scene.closeAll();
  }
}

/** Every file that has the name of a blob is that blob. */
function checkBlobs(directory: string): void {
  const blobs = join(directory, 'blobs');
  for (const name of readdirSync(blobs, { recursive: true, encoding: 'utf8' })) {
    const [algorithm, , hex] = name.split('/');
    if (hex === undefined) continue;
    promised(digestOf(readFileSync(join(blobs, name))) === `${algorithm}:${hex}`, `${name} is that blob`);
  }
}

const gateway: Scenario = {
  name: 'a gateway serves an image',
  prepare: keepStates,
  act: (directory) => pullAt(directory, 'now'),
  async check(directory) {
    await pullAt(directory, 'now');
    checkBlobs(directory);
    promised(!readdirSync(join(directory, 'blobs')).some((name) => name.endsWith('.tmp')), 'nothing unfinished stays');
    const scene = new Scene(directory, 'now');
    scene.tamper = (_, method) => (method === 'GET' ? new Response('other bytes') : undefined);
    promised((await pullThrough(scene)).length === 0, 'all of it is kept, and it is right');
    await scene.closeAll();
  },
};

export const enforcementScenarios: readonly Scenario[] = [decided, firstDecided, gateway];
