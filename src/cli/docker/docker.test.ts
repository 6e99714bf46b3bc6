// SPDX-License-Identifier: Apache-2.0
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { TrustCommandError } from '../docker-trust/errors.ts';
import { type Choice, choiceOf } from './choice.ts';

const scratch = scratchDirectories();
const hallmark = resolve(import.meta.dir, '../../../bin/hallmark.ts');
const SEALED = ['--no-env-file', '--config=/dev/null'];

describe('what becomes of a command line', () => {
  const kind = (line: string, isOn = true): Choice['kind'] => choiceOf(line.split(' ').filter(Boolean), isOn).kind;

  test('what asks an engine for something is judged, whatever its flags are', () => {
    for (const line of [
      'run app',
      'run --no-such-flag app',
      'create app',
      'pull app',
      'compose up',
      'build .',
      'unheard of',
    ])
      expect(kind(line)).toBe('judged');
    for (const line of ['', '--help', '-h', 'help run']) expect(kind(line)).toBe('help');
    for (const line of ['context use x', 'context ls']) expect(kind(line)).toBe('direct');
    expect(kind('trust inspect app')).toBe('trust');
  });

  test('S28 content trust is turned off by variable, or by the first flag of a command, and by nothing else', () => {
    expect(kind('run app', false)).toBe('unverified');
    for (const line of [
      'run --disable-content-trust app',
      'image pull --disable-content-trust=true app',
      'push app --disable-content-trust',
    ])
      expect(kind(line)).toBe('unverified');
    for (const line of [
      'run app tool --disable-content-trust',
      'run -e --disable-content-trust app',
      'run --disable-content-trust=false app',
    ])
      expect(kind(line)).toBe('judged');
  });

  test('a push is our own, which signs; flags that docker push has are kept, others refused', () => {
    expect(choiceOf(['image', 'push', '-q', '--platform', 'linux/arm64', 'app:1'], true)).toEqual({
      kind: 'push',
      args: ['--quiet', '--platform', 'linux/arm64', 'app:1'],
    });
    for (const line of [
      ['push', '--squash', 'app'],
      ['push', '-a', 'app'],
      ['push', '--platform'],
    ])
      expect(() => choiceOf(line, true)).toThrow(TrustCommandError);
  });

  test('buildx, which takes images by itself, is refused', () => {
    for (const line of ['buildx build .', 'builder build .', 'bake']) expect(kind(line)).toBe('refused');
    expect(kind('builder prune')).toBe('judged');
  });
});

setDefaultTimeout(30_000);

describe('the real docker', () => {
  /** A docker that says how it was called, in a directory of PATH. */
  function fakeDocker(
    script = 'echo "args:$*"; echo "host:$DOCKER_HOST buildkit:$DOCKER_BUILDKIT context:$DOCKER_CONTEXT"; cat; exit 7',
  ): string {
    const directory = join(scratch(), 'bin');
    mkdirSync(directory);
    writeFileSync(join(directory, 'docker'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(directory, 'docker'), 0o755);
    return directory;
  }

  // what the runtime keeps of a program's text, once for all homes
  const transpiled = { BUN_RUNTIME_TRANSPILER_CACHE_PATH: scratch() };

  async function called(argv: readonly string[], env: Record<string, string>) {
    const home = scratch();
    const places = { HOME: home, TMPDIR: home, DOCKER_HOST: `unix://${home}/engine.sock` };
    const child = Bun.spawn([process.execPath, ...SEALED, hallmark, 'docker', ...argv], {
      env: { ...transpiled, ...places, ...env },
      stdin: new TextEncoder().encode('typed'),
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { stdout, stderr, code, left: readdirSync(home).filter((name) => name.startsWith('hallmark-docker')) };
  }

  test('runs with its own words and input, before an engine of its own, and nothing is left of that', async () => {
    const PATH = `${fakeDocker()}:/usr/bin:/bin`;
    const { stdout, code, left } = await called(['run', '-x', 'app', 'a b'], {
      PATH,
      DOCKER_CONTEXT: 'elsewhere',
      DOCKER_BUILDKIT: '1',
    });
    expect(stdout).toMatch(
      /^args:run -x app a b\nhost:unix:\/\/\S*hallmark-docker-\S+\/docker\.sock buildkit:0 context:\ntyped$/,
    );
    expect({ code, left }).toEqual({ code: 7, left: [] });
  });

  test('takes away what chooses an engine, in every spelling, and refuses what it does not know', async () => {
    const PATH = `${fakeDocker()}:/usr/bin:/bin`;
    const socket = `unix://${scratch()}/x.sock`;
    for (const flags of [
      ['--tls=false', `--host=${socket}`],
      ['--config', scratch(), '-D', '-H', socket],
    ])
      expect((await called([...flags, 'ps'], { PATH })).stdout).toStartWith('args:ps\nhost:unix:');
    expect(await called(['--no-such', 'run', 'app'], { PATH })).toMatchObject({
      code: 125,
      stdout: '',
      stderr: expect.stringContaining('unknown flag: --no-such'),
    });
    expect((await called(['-H', 'ssh://elsewhere', 'ps'], { PATH })).code).toBe(1);
  });

  test('runs alone, as it was called, where content trust is turned off, and that is said', async () => {
    const PATH = `${fakeDocker()}:/usr/bin:/bin`;
    const { stdout, stderr } = await called(['-H', 'unix:///x', 'run', 'app'], { PATH, DOCKER_CONTENT_TRUST: '0' });
    expect(stdout).toStartWith('args:-H unix:///x run app\n');
    expect(stderr).toContain('content trust is off (DOCKER_CONTENT_TRUST)');
  });

  test('its help is that of the real docker, and one line says which one answers', async () => {
    const directory = fakeDocker();
    const { stdout, stderr } = await called(['--help'], { PATH: `${directory}:/usr/bin:/bin` });
    expect(stdout).toStartWith('args:--help\n');
    expect(stderr).toBe(
      `${directory}/docker answers (HALLMARK_DOCKER names another), with hallmark's content trust around it\n`,
    );
  });

  test('ends by a signal that this program was sent', async () => {
    const PATH = `${fakeDocker("trap 'exit 33' TERM; echo up; for i in $(seq 200); do sleep 0.05; done")}:/usr/bin:/bin`;
    const child = Bun.spawn([process.execPath, ...SEALED, hallmark, 'docker', 'run', 'app'], {
      env: { ...transpiled, PATH, HOME: scratch() },
      stdout: 'pipe',
      stderr: 'ignore',
    });
    for await (const text of child.stdout) if (Buffer.from(text).toString().includes('up')) break;
    child.kill('SIGTERM');
    expect(await child.exited).toBe(33);
  });

  test('S35 is never this program, one of the directory where one stands, or podman by that name', async () => {
    const own = scratch();
    symlinkSync(process.execPath, join(own, 'docker'));
    expect(await called(['ps'], { PATH: `${own}:.` })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no docker in PATH but this program'),
    });
    const podman = fakeDocker('exec podman "$@"');
    expect(await called(['ps'], { PATH: podman })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is podman'),
    });
    expect(await called(['ps'], { PATH: '/bin', HALLMARK_DOCKER: './docker' })).toMatchObject({ code: 1 });
    const circle = { PATH: `${fakeDocker()}:/bin`, HALLMARK_DOCKER_DEPTH: '5' };
    expect(await called(['ps'], circle)).toMatchObject({
      stderr: expect.stringContaining('leads back to this program'),
    });
  });

  test('a signature is asked of every image, where no policy says otherwise', async () => {
    const home = scratch();
    const path = join(home, 'engine.sock');
    const engine = createServer((_, response) => response.end('{}'));
    await new Promise<void>((done) => engine.listen(path, done));
    const script =
      'curl -s -X POST --unix-socket "$(echo $DOCKER_HOST | cut -c8-)" -d "{\\"Image\\":\\"localhost:1/app:1\\"}" http://d/containers/create';
    const PATH = `${fakeDocker(script)}:/usr/bin:/bin`;
    const { stdout } = await called(['run', 'x'], {
      PATH,
      DOCKER_HOST: `unix://${path}`,
      DOCKER_CONTENT_TRUST_SERVER: 'https://localhost:1',
    });
    engine.close();
    expect(stdout).toContain('content trust: localhost:1/app:1: unavailable');
    expect(existsSync(path)).toBe(false);
  });
});
