// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promise } from './support/journal.ts';
import { expectSuccess, type NotaryWorld, openNotaryWorld } from './support/notary-world.ts';
import { run, type Service } from './support/processes.ts';
import { cleanEnvironment, hallmarkProgram, repositoryRoot } from './support/programs.ts';
import { START_MILLISECONDS } from './support/world.ts';

const gun = 'registry.example.com/acme/app';
const GOOD = 'ab'.repeat(32);
const EVIL = 'ee'.repeat(32);

describe('image verifier of containerd, as it calls it', () => {
  let world: NotaryWorld;
  let env: Record<string, string>;
  let agent: Service | undefined;

  beforeAll(async () => {
    world = await openNotaryWorld('notary');
    const owner = world.user('owner');
    expectSuccess(await owner.notary('init', gun, '-p'));
    expectSuccess(await owner.notary('addhash', gun, 'v1', '11', '--sha256', GOOD, '-p'));
    const policy = join(world.stage.makeDirectory('policy'), 'policy.yaml');
    const rule = `  - images: registry.example.com/acme/**\n    server: ${world.server.url}\n    ca: ${world.server.ca}\n    first-use: true\n`;
    writeFileSync(policy, `version: 1\nrules:\n${rule}`, { mode: 0o600 });
    env = cleanEnvironment({
      HOME: world.stage.makeDirectory('containerd'),
      HALLMARK_POLICY: policy,
      HALLMARK_STATE: world.stage.makeDirectory('state'),
      HALLMARK_AGENT_SOCKET: join(world.stage.directory, 'agent.sock'),
    });
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  const verify = (name: string, digest: string) =>
    run(
      [
        ...hallmarkProgram(),
        'image-verifier',
        '-name',
        name,
        '-digest',
        `sha256:${digest}`,
        '-stdin-media-type',
        'application/vnd.oci.descriptor.v1+json',
      ],
      {
        env,
        cwd: repositoryRoot,
        stdin: '{}',
      },
    );

  async function expectItJudges(): Promise<void> {
    expect(await verify(`${gun}:v1`, GOOD)).toMatchObject({ code: 0, stdout: `${gun}:v1: allowed\n` });
    expect(await verify(`${gun}:v1`, EVIL)).toMatchObject({ code: 1, stdout: expect.stringContaining('denied') });
    expect(await verify(`${gun}:unsigned`, GOOD)).toMatchObject({ code: 1 });
    expect(await verify('docker.io/library/alpine:3', GOOD)).toMatchObject({ code: 1 });
  }

  promise('alone it lets through what was signed, and nothing else', expectItJudges);

  promise('with the agent of the machine the answers are the same', async () => {
    const { HALLMARK_AGENT_SOCKET: socket = '', HALLMARK_STATE: state = '', HALLMARK_POLICY: policy = '' } = env;
    const argv = ['agent', '--policy', policy, '--socket', socket, '--state', state];
    agent = world.stage.start('hallmark agent', [...hallmarkProgram(), ...argv], { env, cwd: repositoryRoot });
    await agent.line(/^ready socket=/m);
    await expectItJudges();
  });

  promise('without a policy nothing is let through', async () => {
    const bare = {
      ...env,
      HALLMARK_POLICY: '/nonexistent/policy.yaml',
      HALLMARK_AGENT_SOCKET: '/nonexistent/agent.sock',
    };
    const argv = [...hallmarkProgram(), 'image-verifier', '-name', `${gun}:v1`, '-digest', `sha256:${GOOD}`];
    expect(await run(argv, { env: bare, cwd: repositoryRoot })).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('not verified'),
    });
  });
});
