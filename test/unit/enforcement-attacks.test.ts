// SPDX-License-Identifier: Apache-2.0
/** Issue: at each point the same attacks. What a point lets through is read off what it answers, not off a decision. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { admissionWebhook } from '../../src/admission/index.ts';
import { EngineError } from '../../src/engine/index.ts';
import { authzPlugin, ImageJudge, type Ruling } from '../../src/engine-proxy/index.ts';
import { judge } from '../../src/image-verifier/index.ts';
import type { PolicyEngine } from '../../src/policy/index.ts';
import { commandPoints, type Outcome, type Point, type Use } from '../support/command-points.ts';
import { errorOf, GatewayStage, REGISTRY } from '../support/gateway-stage.ts';
import { digestOf, rule } from '../support/policy-stage.ts';

const APP = 'acme/app';
const POLICY = rule('digests: signed-now');

const POINTS: readonly Point[] = [
  {
    name: 'gateway',
    async open(stage) {
      const ask = await stage.gateway(POLICY);
      return async (tag) => {
        const response = await ask(`/v2/${APP}/manifests/${tag}`);
        if (response.ok) return { runs: digestOf(await response.text()) };
        return { reason: (await errorOf(response)).message };
      };
    },
  },
  {
    name: 'engine proxy, pull',
    open: (stage) => {
      const images = judgeOf(stage.engine(POLICY));
      return async (tag) => outcomeOf(await images.forPull(`${REGISTRY}/${APP}:${tag}`));
    },
  },
  {
    name: 'engine proxy, run',
    open: (stage) => {
      const images = judgeOf(stage.engine(POLICY));
      return async (tag) => outcomeOf(await images.forUse(`${REGISTRY}/${APP}:${tag}`));
    },
  },
  {
    name: 'authorization plugin',
    open: (stage) => {
      const policy = stage.engine(POLICY);
      return async (tag, lying) => {
        const plugin = authzPlugin(judgeOf(policy, lying), unforeseen);
        const asked = {
          RequestMethod: 'POST',
          RequestUri: '/v1.41/containers/create',
          RequestHeaders: { 'Content-Type': 'application/json' },
          RequestBody: btoa(JSON.stringify({ Image: `${REGISTRY}/${APP}:${tag}` })),
        };
        const request = new Request('http://plugin/AuthZPlugin.AuthZReq', {
          method: 'POST',
          body: JSON.stringify(asked),
        });
        const { Allow, Msg } = (await (await plugin(request)).json()) as { Allow: boolean; Msg?: string };
        return Allow ? { runs: lying } : { reason: Msg ?? '' };
      };
    },
  },
  {
    name: 'image verifier',
    open: (stage) => {
      const policy = stage.engine(POLICY);
      return async (tag, lying) => {
        const { allowed, reason } = await judge(policy, { name: `${REGISTRY}/${APP}:${tag}`, digest: lying });
        return allowed ? { runs: lying } : { reason };
      };
    },
  },
  {
    name: 'admission',
    open: (stage) => {
      const fetch = admissionWebhook({
        ...{ engine: stage.engine(POLICY), mutate: true, paths: new Map() },
        onError: unforeseen,
      });
      return async (tag) => {
        const object = { spec: { containers: [{ name: 'c', image: `${REGISTRY}/${APP}:${tag}` }] } };
        const kind = { group: '', version: 'v1', kind: 'Pod' };
        const request = { uid: '1', kind, operation: 'CREATE', namespace: 'default', object };
        const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
        const answered = await fetch(new Request('https://webhook/admit', { method: 'POST', body }));
        const { response } = (await answered.json()) as {
          response: { allowed: boolean; patch?: string; status?: { message: string } };
        };
        if (!response.allowed) return { reason: response.status?.message ?? '' };
        const [patch] = JSON.parse(atob(response.patch ?? btoa('[{"value":"not rewritten@"}]')));
        return { runs: patch.value.split('@')[1] };
      };
    },
  },
  ...commandPoints(POLICY, APP),
];

/** An engine that has every image by digest, and `lying` under every tag. */
function judgeOf(policy: PolicyEngine, lying?: string): ImageJudge {
  return new ImageJudge(policy, {
    inspectImage: async (name: string) => {
      const id = name.split('@')[1] ?? lying;
      if (id === undefined) throw new EngineError('not-found', 'no such image');
      return { id, repoTags: [], repoDigests: [], os: 'linux', architecture: 'amd64' };
    },
  });
}

function outcomeOf(ruling: Ruling): Outcome {
  if (ruling.kind === 'refused') return { reason: ruling.message };
  return { runs: ruling.kind === 'use' ? (ruling.reference.split('@')[1] ?? '') : 'whatever the engine has' };
}

function unforeseen(error: unknown): never {
  throw error;
}

let stage: GatewayStage;
let good: string;
let evil: string;
let use: Use;
const stops: (() => void)[] = [];

beforeEach(async () => {
  stage = new GatewayStage();
  const signed = await stage.image(APP, '1', 'good');
  await stage.sign(APP, '1', signed.manifest);
  good = signed.digest;
  evil = (await stage.image(APP, 'other', 'evil')).digest;
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  return stage.closeAll();
});

/** Past the moment up to which a decision is taken as still true. */
function later(days = 1): void {
  stage.now = new Date(stage.now.getTime() + days * 86_400_000);
  stage.ticks += days * 86_400_000;
}

const ENDLESS = () =>
  new Response(
    new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)),
    }),
  );

describe.each(POINTS.map((point) => [point.name, point] as const))('attacks at %s', (_, point) => {
  beforeEach(async () => {
    use = await point.open(stage, (stop) => stops.push(stop));
  });

  test('what is signed passes, as it was signed', async () => {
    expect(await use('1', good)).toEqual({ runs: good });
  });

  test('S24 the registry moves the tag', async () => {
    await stage.image(APP, '1', 'evil');

    const { runs } = await use('1', evil);

    expect([good, undefined]).toContain(runs);
  });

  test('what nobody signed is refused, with a reason', async () => {
    const { runs, reason, exitCode = 3 } = await use('other', evil);

    expect({ runs, exitCode }).toEqual({ runs: undefined, exitCode: 3 });
    expect(reason).toMatch(/No valid trust data for other/i);
  });

  test('S3 old trust data is replayed', async () => {
    const repository = await stage.sign(APP, '1', 'good');
    const old = repository.served;
    const newer = await stage.image(APP, '1', 'better');
    await stage.sign(APP, '1', newer.manifest);
    expect(await use('1', newer.digest)).toEqual({ runs: newer.digest });
    repository.replay(old);
    later(0.5);

    const { runs, reason, exitCode = 3 } = await use('1', good);

    expect({ runs, exitCode }).toEqual({ runs: undefined, exitCode: 3 });
    expect(reason).toMatch(/rollback|lower|version/i);
  });

  test.each([
    ['S36 is gone', 'down', 1, /reach|unavailable/i],
    ['S36 answers 503', 503, 1, /503|unavailable|error/i],
    ['S23 answers without end', ENDLESS, 1, /more than|too large|larger/i],
    ['S22 answers nonsense', () => new Response('{}'), 3, /malformed|not |missing/i],
  ] as const)('the trust server %s', async (_what, mood, code, reason) => {
    stage.mood = mood;

    const { exitCode = code, ...outcome } = await use('1', good);

    expect({ runs: outcome.runs, exitCode }).toEqual({ runs: undefined, exitCode: code });
    expect(outcome.reason).toMatch(reason);
  });

  test('S2 trust data has expired', async () => {
    const soon = new Date(stage.now.getTime() + 3_600_000);
    stage.repositories.get(`${REGISTRY}/${APP}`)?.publish({ timestamp: soon });
    later();

    const { runs, reason, exitCode = 3 } = await use('1', good);

    expect({ runs, exitCode }).toEqual({ runs: undefined, exitCode: 3 });
    expect(reason).toMatch(/expired/);
  });

  test('many at once, signed and not: each gets its own answer', async () => {
    const asked = Array.from({ length: 24 }, (_v, index) =>
      use(index % 2 === 0 ? '1' : 'other', index % 2 === 0 ? good : evil),
    );

    const outcomes = await Promise.all(asked);

    expect(outcomes.map(({ runs }) => runs)).toEqual(outcomes.map((_o, index) => (index % 2 === 0 ? good : undefined)));
  });
});
