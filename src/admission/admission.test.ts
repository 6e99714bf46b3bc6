// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { PolicyStage } from '../../test/support/policy-stage.ts';
import { wholeReview } from '../../test/support/whole-review.ts';
import { sha256Hex } from '../tuf/index.ts';
import type { AdmissionOptions } from './admit.ts';
import { imageFields } from './image-fields.ts';
import { admissionWebhook, parseImagePath } from './index.ts';
import { parseReview } from './review.ts';

const digestOf = (content: string) => `sha256:${sha256Hex(Buffer.from(content))}`;
const APP = 'registry.example.com/acme/app';
const POLICY = `version: 1
rules:
  - images: registry.example.com/acme/**
    first-use: true
    digests: { signed-ever: 30d }
  - images: registry.example.com/lab/**
    first-use: true
    mode: warn
`;
const POD = { group: '', version: 'v1', kind: 'Pod' };
const NONE = new Map<string, readonly string[]>();

let stage: PolicyStage;
beforeEach(async () => {
  stage = new PolicyStage();
  (await stage.repository(APP)).tag('v1', 'good').publish();
});
afterEach(() => stage.close());

function reviewed(object: unknown, change: Record<string, unknown> = {}): string {
  const request = { uid: 'u-1', kind: POD, operation: 'CREATE', namespace: 'default', object, ...change };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
}

interface Answer {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly message: string };
  readonly warnings?: readonly string[];
  readonly patch?: string;
  readonly patchType?: string;
}

async function ask(body: string, options: Partial<AdmissionOptions> = {}): Promise<Answer> {
  const engine = stage.engine(POLICY);
  const fetch = admissionWebhook({ engine, mutate: true, paths: NONE, onError: () => {}, ...options });
  const response = await fetch(new Request('https://webhook/admit', { method: 'POST', body }));
  expect(response.status).toBe(200);
  return ((await response.json()) as { response: Answer }).response;
}

const pod = (...images: readonly string[]) => ({
  spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })) },
});

/** The object after the answer's JSON patch, as an API server applies it. */
function patched(object: unknown, { patch }: Answer): unknown {
  const changed = structuredClone(object) as never;
  for (const { op, path, value } of JSON.parse(Buffer.from(patch ?? btoa('[]'), 'base64').toString())) {
    expect(op).toBe('replace');
    const steps = path
      .slice(1)
      .split('/')
      .map((step: string) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop();
    const place = steps.reduce(
      (at: Record<string, unknown>, step: string) => at[step] as Record<string, unknown>,
      changed,
    );
    expect(Object.hasOwn(place, last)).toBe(true);
    place[last] = value;
  }
  return changed;
}

describe('what is admitted', () => {
  test('property 5: a signed tag is rewritten to its digest, and the tag stays readable', async () => {
    const object = pod(`${APP}:v1`);
    const answer = await ask(reviewed(object));
    expect(answer).toMatchObject({ uid: 'u-1', allowed: true, patchType: 'JSONPatch' });
    expect(patched(object, answer)).toEqual(pod(`${APP}:v1@${digestOf('good')}`));
  });

  test('a whole review, as an API server sends it: the image alone is changed', async () => {
    const body = wholeReview(`${APP}:v1`);
    const { object } = JSON.parse(body).request;
    const answer = await ask(body);
    expect(answer).toMatchObject({ uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true });
    expect(patched(object, answer)).toEqual(JSON.parse(wholeReview(`${APP}:v1@${digestOf('good')}`)).request.object);
  });

  test('what is already by digest is admitted as it is, by a digest rule that remembers', async () => {
    await ask(reviewed(pod(`${APP}:v1`)));
    const answer = await ask(reviewed(pod(`${APP}:v1@${digestOf('good')}`)));
    expect(answer).toEqual({ uid: 'u-1', allowed: true });
  });

  test('validate only: admitted, and nothing is changed', async () => {
    expect(await ask(reviewed(pod(`${APP}:v1`)), { mutate: false })).toEqual({ uid: 'u-1', allowed: true });
  });

  test('S29 what mode warn lets through is told to whoever applied it, and is not rewritten', async () => {
    const answer = await ask(reviewed(pod('registry.example.com/lab/x:1')));
    expect(answer).toMatchObject({ allowed: true });
    expect(answer.warnings?.[0]).toStartWith('content trust: registry.example.com/lab/x:1: would be refused: ');
    expect(answer.patch).toBeUndefined();
  });

  test('a deletion, and what is no creation or change, is not judged', async () => {
    for (const operation of ['DELETE', 'CONNECT'])
      expect(await ask(reviewed(null, { operation }))).toEqual({ uid: 'u-1', allowed: true });
  });
});

describe('what is refused', () => {
  test('an unsigned image, with its reason and code 403', async () => {
    const answer = await ask(reviewed(pod(`${APP}:unsigned`)));
    expect(answer).toMatchObject({ allowed: false, status: { code: 403 } });
    expect(answer.status?.message).toStartWith(`content trust: ${APP}:unsigned: denied: `);
  });

  test('S17 old trust data, also after a restart: the newest versions are kept', async () => {
    const repository = stage.repositories.get(APP);
    const then = repository?.served ?? new Map();
    repository?.tag('v1', 'newer').publish();
    expect((await ask(reviewed(pod(`${APP}:v1`)))).allowed).toBe(true);
    repository?.replay(then);
    // each question is asked of an engine that was started anew over what the last one left
    const answer = await ask(reviewed(pod(`${APP}:v1`)));
    expect(answer).toMatchObject({ allowed: false, status: { code: 403 } });
    expect(answer.status?.message).toMatch(/version/);
  });

  test('property 4: trust data that cannot be had is 503', async () => {
    stage.mood = 'down';
    expect(await ask(reviewed(pod(`${APP}:v1`)))).toMatchObject({ allowed: false, status: { code: 503 } });
  });

  test('one bad image among good ones', async () => {
    expect((await ask(reviewed(pod(`${APP}:v1`, 'evil.example.com/x:1')))).allowed).toBe(false);
  });

  test('S30 whatever place names it: init, ephemeral, image volumes, and templates with no replicas', async () => {
    const bad = 'evil.example.com/x:1';
    const good = { name: 'c', image: `${APP}:v1` };
    const specs = [
      { containers: [good], initContainers: [{ name: 'i', image: bad }] },
      { containers: [good], ephemeralContainers: [{ name: 'e', image: bad }] },
      {
        containers: [good],
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 'w', image: { reference: bad } },
        ],
      },
      { containers: [good, { name: 'd', image: bad }] },
    ];
    const kinds = [
      [POD, (spec: unknown) => ({ spec })],
      [
        { group: 'apps', version: 'v1', kind: 'Deployment' },
        (spec: unknown) => ({ spec: { replicas: 0, template: { spec } } }),
      ],
      [
        { group: 'batch', version: 'v1', kind: 'CronJob' },
        (spec: unknown) => ({ spec: { jobTemplate: { spec: { template: { spec } } } } }),
      ],
      [{ group: '', version: 'v1', kind: 'PodTemplate' }, (spec: unknown) => ({ template: { spec } })],
    ] as const;
    for (const [kind, around] of kinds)
      for (const spec of specs) {
        const answer = await ask(reviewed(around(spec), { kind }));
        expect({ kind: kind.kind, spec, allowed: answer.allowed }).toEqual({ kind: kind.kind, spec, allowed: false });
      }
  });

  test('S30 a kind whose images nobody has said where to find', async () => {
    const kind = { group: 'argoproj.io', version: 'v1', kind: 'Workflow' };
    const object = { spec: { templates: [{ container: { image: `${APP}:v1` } }] } };
    expect(await ask(reviewed(object, { kind }))).toMatchObject({ allowed: false });
    const paths = new Map([['argoproj.io/Workflow', ['spec.templates[*].container.image']]]);
    const answer = await ask(reviewed(object, { kind }), { paths });
    expect(patched(object, answer)).toEqual({
      spec: { templates: [{ container: { image: `${APP}:v1@${digestOf('good')}` } }] },
    });
  });

  test('an object with fields of another form than its kind has', async () => {
    for (const spec of [{ containers: { image: 'x' } }, { containers: [{ image: 7 }] }, { containers: ['x'] }])
      expect(await ask(reviewed({ spec }))).toMatchObject({ allowed: false, status: { code: 403 } });
    expect(await ask(reviewed(null))).toMatchObject({ allowed: false });
    expect(await ask(reviewed(pod(...Array.from({ length: 300 }, (_, index) => `${APP}:${index}`))))).toMatchObject({
      allowed: false,
    });
  });

  test('S28 an error that nobody foresaw refuses, and is told to the operator', async () => {
    const errors: unknown[] = [];
    const { policy } = stage.engine(POLICY);
    const engine = { policy, decide: () => Promise.reject(new Error('boom')) };
    const fetch = admissionWebhook({ engine, mutate: true, paths: NONE, onError: (error) => errors.push(error) });
    const response = await fetch(
      new Request('https://webhook/admit', { method: 'POST', body: reviewed(pod(`${APP}:v1`)) }),
    );
    expect(await response.json()).toMatchObject({ response: { uid: 'u-1', allowed: false, status: { code: 503 } } });
    expect(errors).toHaveLength(1);
  });
});

describe('objects that are being deleted', () => {
  const leaving = (image: string) => ({ metadata: { deletionTimestamp: '2026-11-25T12:00:00Z' }, ...pod(image) });

  test('may change what is no image, whatever they run', async () => {
    const change = { operation: 'UPDATE', oldObject: pod('evil.example.com/x:1') };
    expect((await ask(reviewed(leaving('evil.example.com/x:1'), change))).allowed).toBe(true);
  });

  test('is not said of an object by a member that holds no time', async () => {
    const image = 'evil.example.com/x:1';
    for (const deletionTimestamp of [null, false, {}]) {
      const object = { metadata: { deletionTimestamp }, ...pod(image) };
      expect((await ask(reviewed(object, { operation: 'UPDATE', oldObject: pod(image) }))).allowed).toBe(false);
    }
  });

  test('may not take another image on their way', async () => {
    const change = { operation: 'UPDATE', oldObject: pod(`${APP}:v1`) };
    expect((await ask(reviewed(leaving('evil.example.com/x:1'), change))).allowed).toBe(false);
    expect((await ask(reviewed(leaving('evil.example.com/x:1')))).allowed).toBe(false);
  });
});

describe('the owner rule', () => {
  const byDigest = `${APP}:1@${digestOf('evil')}`;
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'app-1', uid: 'owner-1', controller: true };
  const owned = (image: string) => ({ metadata: { ownerReferences: [owner] }, ...pod(image) });
  const stored = (image: string, uid = 'owner-1') => ({ metadata: { uid }, spec: { template: pod(image) } });
  const cluster = (object: object | undefined) => ({ cluster: { get: async () => object as never } });

  test('a pod whose owner names the same images by digest needs no second verification', async () => {
    stage.mood = 'down';
    const image = `${APP}:v1@${digestOf('good')}`;
    expect((await ask(reviewed(owned(image)), cluster(stored(image)))).allowed).toBe(true);
  });

  test('S24 no owner vouches for what the policy itself refuses: it may have been stored before the rule', async () => {
    const pinned = `{ images: "${APP}", action: pinned, pinned: { digests: ["${digestOf('good')}"] } }`;
    for (const rules of ['[]', `[{ images: "${APP}", action: deny }]`, `[${pinned}]`]) {
      const image = `${APP}:v1@${digestOf('evil')}`;
      const engine = stage.engine(`version: 1\nrules: ${rules}`);
      expect(await ask(reviewed(owned(image)), { engine, ...cluster(stored(image)) })).toMatchObject({
        allowed: false,
        status: { code: 403 },
      });
    }
  });

  test('a reference that anybody can write proves nothing', async () => {
    for (const object of [undefined, stored(byDigest, 'another'), stored(`${APP}:v1@${digestOf('good')}`)])
      expect((await ask(reviewed(owned(byDigest)), cluster(object))).allowed).toBe(false);
    expect((await ask(reviewed(owned(`${APP}:1`)), cluster(stored(`${APP}:1`)))).allowed).toBe(false);
    const failing = { cluster: { get: () => Promise.reject(new Error('no')) } };
    expect((await ask(reviewed(owned(byDigest)), failing)).allowed).toBe(false);
  });
});

describe('reviews', () => {
  const fetch = () => admissionWebhook({ engine: stage.engine(POLICY), mutate: true, paths: NONE, onError: () => {} });
  const post = (body: string) => fetch()(new Request('https://webhook/admit', { method: 'POST', body }));

  test('other versions and other bodies are 400, other methods and paths 405 and 404', async () => {
    for (const body of [
      '',
      'null',
      '{}',
      reviewed(pod('x')).replace('admission.k8s.io/v1', 'admission.k8s.io/v1beta1'),
    ])
      expect((await post(body)).status).toBe(400);
    expect((await fetch()(new Request('https://webhook/admit'))).status).toBe(405);
    expect((await fetch()(new Request('https://webhook/', { method: 'POST' }))).status).toBe(404);
    expect((await fetch()(new Request('https://webhook/ready'))).status).toBe(200);
    // a probe of HTTP/1.0 names no host
    expect((await fetch()({ url: '/live', method: 'GET', headers: new Headers() } as Request)).status).toBe(200);
  });

  test('S23 a body larger than any review is cut off', async () => {
    expect((await post(' '.repeat(9 * 1024 * 1024))).status).toBe(413);
  });

  test('S22 property: whatever JSON is posted, the answer is a review or 400, and nothing unsigned is admitted', async () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('evil.example.com/x:1', `${APP}:v1`, '', null, 1, true),
        fc.array(tie('any'), { maxLength: 3 }),
        tie('object'),
      ),
      object: fc.dictionary(
        fc.constantFrom(
          'spec',
          'containers',
          'initContainers',
          'volumes',
          'image',
          'reference',
          'template',
          'metadata',
          '__proto__',
          'deletionTimestamp',
        ),
        tie('any'),
        { maxKeys: 4 },
      ),
    }));
    const handler = fetch();
    await fc.assert(
      fc.asyncProperty(value.any, fc.constantFrom('CREATE', 'UPDATE'), async (object, operation) => {
        const body = reviewed(object, { operation });
        const response = await handler(new Request('https://webhook/admit', { method: 'POST', body }));
        expect([200, 400]).toContain(response.status);
        if (response.status === 400) return;
        const { response: answer } = (await response.json()) as { response: Answer };
        if (answer.allowed) {
          const fields = imageFields(POD, parseReview(body).object ?? {}, NONE);
          expect(fields.filter(({ image }) => image !== `${APP}:v1`)).toEqual([]);
          const after = imageFields(POD, patched(object, answer) as never, NONE);
          expect(after.filter(({ image }) => image !== `${APP}:v1@${digestOf('good')}`)).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('paths of images', () => {
  test('are names with stars for lists, and nothing else', () => {
    expect(parseImagePath('spec.templates[*].container.image')).toEqual([
      'spec',
      'templates',
      '*',
      'container',
      'image',
    ]);
    for (const path of ['', 'spec..image', 'spec[0].image', 'spec.*', '$.spec', 'a b'])
      expect(parseImagePath(path)).toBeUndefined();
  });

  test('pointers are escaped as RFC 6901 has it', () => {
    const kind = { group: 'x', version: 'v1', kind: 'Y' };
    const paths = new Map([['x/Y', ['spec.images[*].ref', 'spec.one']]]);
    const fields = imageFields(kind, { spec: { images: [{ ref: 'a' }, {}, { ref: 'b' }], one: 'c' } }, paths);
    expect(fields.map(({ pointer }) => pointer)).toEqual(['/spec/images/0/ref', '/spec/images/2/ref', '/spec/one']);
  });
});
