// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { PolicyStage } from '../../test/support/policy-stage.ts';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { listenUnix, type UnixListener } from '../service/index.ts';
import { sha256Hex } from '../tuf/index.ts';
import { agentHandler, askAgent, judge, parseQuestion, QuestionError } from './index.ts';

const scratch = scratchDirectories();
const digestOf = (content: string) => `sha256:${sha256Hex(Buffer.from(content))}`;
const NAME = 'registry.example.com/acme/app:v1';
const POLICY = `version: 1
rules:
  - images: registry.example.com/acme/**
    first-use: true
`;

let stage: PolicyStage;
beforeEach(() => {
  stage = new PolicyStage();
});
afterEach(() => stage.close());

async function signed() {
  (await stage.repository('registry.example.com/acme/app')).tag('v1', 'good').publish();
  return stage.engine(POLICY);
}

describe('the contract of containerd', () => {
  const digest = digestOf('good');

  test('is read with one hyphen or two, with a space or an equals sign', () => {
    const question = { name: NAME, digest };
    expect(parseQuestion(['-name', NAME, '-digest', digest, '-stdin-media-type', 'application/x'])).toEqual(question);
    expect(parseQuestion([`--digest=${digest}`, `--name=${NAME}`])).toEqual(question);
  });

  for (const [what, argv] of [
    ['a flag that is not known', ['-name', NAME, '-digest', digest, '-skip', 'true']],
    ['no name', ['-digest', digest]],
    ['no digest', ['-name', NAME]],
    ['a digest that is none', ['-name', NAME, '-digest', 'sha256:abc']],
    ['a flag twice', ['-name', NAME, '-name', 'other', '-digest', digest]],
    ['a flag without its value', ['-digest', digest, '-name']],
  ] as const) {
    test(`S28 a call with ${what} is refused`, () => {
      expect(() => parseQuestion(argv)).toThrow(QuestionError);
    });
  }
});

describe('judging what was resolved already', () => {
  for (const digests of ['any', '{ signed-ever: 30d }']) {
    test(`S24 a tag that the registry moved is refused, also where ${digests} digests may be asked for`, async () => {
      const repository = await stage.repository('registry.example.com/acme/app');
      repository.tag('v1', 'old').publish();
      const engine = stage.engine(`${POLICY}    digests: ${digests}\n`);
      repository.tag('v1', 'good').publish();
      for (const content of ['evil', 'old'])
        expect(await judge(engine, { name: NAME, digest: digestOf(content) })).toMatchObject({ allowed: false });
    });
  }

  test('S24 pinned: a tag is what the rule says of it, not any digest in its list', async () => {
    const [good, other] = [digestOf('good'), digestOf('other')];
    const pinned = `pinned: { tags: { v1: '${good}' }, digests: ['${other}'] }`;
    const engine = stage.engine(`version: 1\nrules: [{ images: '**', action: pinned, ${pinned} }]`);
    for (const [name, digest, allowed] of [
      [NAME, good, true],
      [NAME, other, false],
      [NAME.replace('v1', 'v2'), other, false],
      [`${NAME.replace(':v1', '')}@${other}`, other, true],
    ] as const)
      expect(await judge(engine, { name, digest })).toMatchObject({ allowed });
  });

  test('S29 a moved tag that mode warn lets through is told as what it is', async () => {
    (await stage.repository('registry.example.com/acme/app')).tag('v1', 'good').publish();
    const engine = stage.engine(`${POLICY}    mode: warn\n    digests: any\n`);
    const answer = await judge(engine, { name: NAME, digest: digestOf('evil') });
    expect(answer).toEqual({
      allowed: true,
      reason: expect.stringContaining('let through in mode warn: v1 is signed for'),
    });
  });

  test('the digest that was signed for the tag is let through', async () => {
    const answer = await judge(await signed(), { name: NAME, digest: digestOf('good') });
    expect(answer).toEqual({ allowed: true, reason: `${NAME}: allowed` });
  });

  test('S24 a registry that resolves the tag to other content is refused', async () => {
    const answer = await judge(await signed(), { name: NAME, digest: digestOf('evil') });
    expect(answer.allowed).toBe(false);
    expect(answer.reason).toStartWith(`${NAME}: denied: `);
  });

  test('a name with a digest of its own has to be that digest', async () => {
    const engine = await signed();
    const name = `${NAME}@${digestOf('good')}`;
    expect((await judge(engine, { name, digest: digestOf('good') })).allowed).toBe(true);
    expect((await judge(engine, { name, digest: digestOf('evil') })).allowed).toBe(false);
  });

  test('property 4: trust data that cannot be had lets nothing through', async () => {
    const engine = await signed();
    stage.mood = 'down';
    const answer = await judge(engine, { name: NAME, digest: digestOf('good') });
    expect(answer).toEqual({ allowed: false, reason: expect.stringContaining('unavailable: ') });
  });

  test('an image that no rule covers is refused', async () => {
    const answer = await judge(await signed(), { name: 'docker.io/library/alpine:3', digest: digestOf('good') });
    expect(answer.allowed).toBe(false);
  });
});

describe('the agent', () => {
  let listener: UnixListener;
  afterEach(() => listener.stop());

  async function start(handler: (request: Request) => Promise<Response>): Promise<string> {
    const path = join(scratch(), 'agent.sock');
    listener = await listenUnix({ fetch: handler, path, mode: 0o600 });
    return path;
  }

  test('answers over its socket what the policy decides', async () => {
    const socket = await start(agentHandler(await signed()));
    expect(await askAgent(socket, { name: NAME, digest: digestOf('good') })).toMatchObject({ allowed: true });
    expect(await askAgent(socket, { name: NAME, digest: digestOf('evil') })).toMatchObject({ allowed: false });
  });

  test('answers many at once, each its own question', async () => {
    const socket = await start(agentHandler(await signed()));
    const contents = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 'good' : `evil ${index}`));
    const answers = await Promise.all(
      contents.map((content) => askAgent(socket, { name: NAME, digest: digestOf(content) })),
    );
    expect(answers.map((answer) => answer?.allowed)).toEqual(contents.map((content) => content === 'good'));
  });

  test('S22 whatever is sent to it, it answers 4xx and lets nothing through', async () => {
    const handler = agentHandler({ decide: () => Promise.reject(new Error('must not be asked')) });
    await start(handler);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.json(), fc.constant(`{"name":"a","digest":"${'x'.repeat(5000)}"}`)),
        async (body) => {
          const response = await handler(new Request('http://agent/decide', { method: 'POST', body }));
          expect(response.status).toBeGreaterThanOrEqual(400);
          expect(response.status).toBeLessThan(500);
        },
      ),
    );
    expect((await handler(new Request('http://agent/decide'))).status).toBe(405);
    // a request without a Host has a path for its URL
    const nameless = (url: string) => handler({ url, method: 'GET' } as Request);
    expect((await nameless('/decide')).status).toBe(405);
    for (const url of ['/elsewhere?x', '//[', '']) expect((await nameless(url)).status).toBe(404);
    expect((await handler(new Request('http://agent/other', { method: 'POST' }))).status).toBe(404);
  });

  test('an agent that answers nonsense is an error, one that is not there is none', async () => {
    const socket = await start(async () => Response.json({ allowed: 'yes', reason: 'because' }));
    const question = { name: NAME, digest: digestOf('good') };
    await expect(askAgent(socket, question)).rejects.toThrow('gave no answer');
    expect(await askAgent(join(scratch(), 'none.sock'), question)).toBeUndefined();
  });

  test('its socket is that of its owner alone, and takes the place of no file', async () => {
    const socket = await start(async () => new Response());
    expect((await Bun.file(socket).stat()).mode & 0o777).toBe(0o600);
    const file = join(scratch(), 'file');
    writeFileSync(file, 'kept');
    await expect(listenUnix({ fetch: async () => new Response(), path: file, mode: 0o600 })).rejects.toThrow(
      'cannot listen',
    );
    expect(await Bun.file(file).text()).toBe('kept');
  });
});
