// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pushedDigest } from './support/digests.ts';
import { ALONE, afterSize, type Docker, dockerAt, type EngineWorld, openEngineWorld } from './support/engine-world.ts';
import { promise } from './support/journal.ts';
import { hallmarkProgram, program } from './support/programs.ts';
import type { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

describe('hallmark docker: DOCKER_CONTENT_TRUST=1 with any docker CLI', () => {
  let world: EngineWorld;
  let user: User;
  let docker: Docker;
  let direct: Docker;
  let context: string;
  let [app, evil, digest] = ['', '', ''];

  beforeAll(async () => {
    world = await openEngineWorld();
    [app, evil] = [`${world.team}/app:1`, `${world.team}/evil:1`];
    digest = await world.signed(app, 'what was signed');
    await world.unsigned(evil, 'what was not');
    await world.forget();
    user = world.user('reader');
    docker = dockerAt(world.dockerHost, user.home, [...hallmarkProgram(), 'docker']);
    Object.assign(docker.env, {
      DOCKER_CONTENT_TRUST_SERVER: world.server.url,
      HALLMARK_DOCKER: program('docker'),
      TMPDIR: user.home,
    });
    direct = dockerAt(world.dockerHost, user.home);
    await direct('pull', evil);
    context = join(user.home, 'context');
    mkdirSync(context);
    writeFileSync(join(context, 'file'), 'of the context');
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  const dockerfile = (name: string, ...lines: string[]) => writeFileSync(join(context, name), lines.join('\n'));

  promise('pulls and runs what is signed, with the flags of the docker that is there', async () => {
    expect((await docker('pull', app)).stdout).toContain(`Digest: ${digest}`);
    expect(await docker('run', ...ALONE, '--hostname', 'x', '-e', 'A=1', app)).toMatchObject({
      code: 0,
      stdout: 'what was signed',
    });
    expect(await docker.fed('typed', 'run', '-i', ...ALONE, app, 'cat')).toMatchObject({ stdout: 'typed' });
    expect((await docker('run', ...ALONE, app, 'sh', '-c', 'exit 11')).code).toBe(11);
  });

  promise('refuses everything else, whatever it is called with', async () => {
    for (const words of [
      ['pull'],
      ['image', 'pull'],
      ['run', ...ALONE],
      ['container', 'run', ...ALONE],
      ['create'],
      ['run', '--pull=always'],
    ])
      expect(await docker(...words, evil)).toMatchObject({
        stdout: '',
        stderr: expect.stringContaining('content trust: '),
      });
    const late = await docker('run', '--rm', '--disable-content-trust', '--network', 'none', evil);
    expect(late.stderr).toContain('content trust: ');
    expect((await docker('run', '--rm', '--no-such-flag', evil)).code).toBe(125);
    expect((await docker('--no-such-flag', 'run', '--rm', evil)).code).toBe(125);
  });

  promise('other engines by flag are judged too', async () => {
    const elsewhere = dockerAt('unix:///nonexistent.sock', user.home, [...hallmarkProgram(), 'docker']);
    Object.assign(elsewhere.env, { DOCKER_CONTENT_TRUST_SERVER: world.server.url, HALLMARK_DOCKER: program('docker') });
    expect((await elsewhere('-H', world.dockerHost, 'run', ...ALONE, app)).stdout).toBe('what was signed');
    expect((await elsewhere('--host', world.dockerHost, 'run', ...ALONE, evil)).stderr).toContain('content trust: ');
    await elsewhere('context', 'create', 'there', '--docker', `host=${world.dockerHost}`);
    expect((await elsewhere('-c', 'there', 'run', ...ALONE, app)).stdout).toBe('what was signed');
    expect((await elsewhere('--context=there', 'run', ...ALONE, evil)).stderr).toContain('content trust: ');
  });

  promise('on a terminal, with what is typed and the signals of keys', async () => {
    const session = docker.onTerminal('run', '-it', ...ALONE, app, 'sh');
    await session.expect(/# /);
    session.send(afterSize('trap "echo in\\"\\"terrupted" INT; echo "[$(stty size)]"'));
    await session.expect(/\[50 200\]/);
    session.send('\x03');
    session.send('exit 6\n');
    expect(await session.exit()).toBe(6);
    const waiting = docker.onTerminal(
      'run',
      ...ALONE,
      app,
      'sh',
      '-c',
      'trap "exit 12" INT; echo ready; while true; do sleep 0.1; done',
    );
    await waiting.expect(/ready/);
    waiting.send('\x03');
    expect(await waiting.exit()).toBe(12);
  });

  promise('builds from what is signed by the classic builder', async () => {
    dockerfile(
      'Dockerfile',
      `ARG TAG=2`,
      `FROM ${world.team}/app:$TAG AS base`,
      'RUN echo made > /made',
      `FROM ${app}`,
      'COPY --from=base /made /',
      'COPY . /here',
    );
    const build = await docker(
      'build',
      '--network',
      'none',
      '--build-arg',
      'TAG=1',
      '-q',
      '-t',
      `${world.team}/built:1`,
      context,
    );
    expect(build).toMatchObject({ code: 0, stdout: expect.stringContaining('sha256:') });
    const content = await direct(
      'run',
      ...ALONE,
      `${world.team}/built:1`,
      'sh',
      '-c',
      'cat /made /here/file; ls /here',
    );
    expect(content.stdout).toBe('made\nof the contextDockerfile\nfile\n');
  });

  promise('S24 refuses to build from anything else: FROM, COPY --from, caches, arguments, BuildKit', async () => {
    const build = async (...flags: string[]) => {
      const outcome = await docker('build', '--network', 'none', ...flags, context);
      expect(outcome.code).not.toBe(0);
      expect(outcome.output).not.toContain('Step 2');
      return outcome.stderr;
    };
    dockerfile('evil', `FROM ${evil}`, 'RUN true');
    expect(await build('-f', join(context, 'evil'))).toContain(`content trust: ${evil}: denied`);
    dockerfile('copies', `FROM ${app}`, `COPY --from=${evil} /content /x`);
    expect(await build('-f', join(context, 'copies'))).toContain(`content trust: ${evil}: denied`);
    expect(await build('--build-arg', 'TAG=none')).toContain('content trust: ');
    expect(await build('--cache-from', evil, '--build-arg', 'TAG=1')).toContain(`content trust: ${evil}: denied`);
    dockerfile('heredoc', `FROM ${app}`, 'RUN <<EOF', `FROM ${evil}`, 'EOF');
    expect(await build('-f', join(context, 'heredoc'))).toContain('content trust: Dockerfile line 2');
    expect((await docker('buildx', 'build', '.')).stderr).toContain('content trust: buildx');
  });

  promise('push signs, trust inspects', async () => {
    Object.assign(docker.env, {
      DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: 'a root passphrase',
      DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: 'a repository passphrase',
    });
    const push = await docker('push', `${world.team}/built:1`);
    expect(push.output).toContain(`Successfully signed ${world.team}/built:1`);
    expect((await docker('run', ...ALONE, `${world.team}/built:1`)).stdout).toBe('what was signed');
    expect((await docker('trust', 'inspect', `${world.team}/built:1`)).stdout).toContain(
      pushedDigest(push).slice('sha256:'.length),
    );
    expect((await docker('push', '--no-such-flag', app)).code).toBe(125);
  });

  promise('turned off by variable or flag it is the real docker, and says so', async () => {
    const off = 'content trust is off';
    const byFlag = await docker('run', '--disable-content-trust', ...ALONE, evil);
    expect(byFlag).toMatchObject({ stdout: 'what was not', stderr: expect.stringContaining(off) });
    docker.env.DOCKER_CONTENT_TRUST = '0';
    expect(await docker('run', ...ALONE, evil)).toMatchObject({
      stdout: 'what was not',
      stderr: expect.stringContaining(off),
    });
    docker.env.DOCKER_CONTENT_TRUST = '1';
    expect((await docker('run', ...ALONE, evil)).code).toBe(125);
  });

  promise('leaves no socket behind', async () => {
    expect(readdirSync(user.home).filter((name) => name.startsWith('hallmark-docker'))).toEqual([]);
  });
});
