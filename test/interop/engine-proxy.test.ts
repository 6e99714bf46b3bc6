// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { makeCertificates } from './support/certificates.ts';
import { ALONE, afterSize, type Docker, dockerAt, type EngineWorld, openEngineWorld } from './support/engine-world.ts';
import { promise } from './support/journal.ts';
import { run } from './support/processes.ts';
import { cleanEnvironment, hallmarkProgram, program } from './support/programs.ts';
import { START_MILLISECONDS } from './support/world.ts';

describe('engine proxy: docker works through it, and only with what is signed', () => {
  let world: EngineWorld;
  let docker: Docker;
  let home: string;
  let [app, evil, digest] = ['', '', ''];

  beforeAll(async () => {
    world = await openEngineWorld();
    [app, evil] = [`${world.team}/app:1`, `${world.team}/evil:1`];
    digest = await world.signed(app, 'what was signed');
    await world.unsigned(evil, 'what was not');
    await world.forget();
    home = world.stage.makeDirectory('client');
    docker = dockerAt((await world.proxy('main')).host, home);
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  promise('a signed tag is pulled by its digest and named by its tag', async () => {
    const pull = await docker('pull', app);
    expect(pull).toMatchObject({ code: 0, stderr: '' });
    expect(pull.stdout).toContain(`Digest: ${digest}\n`);
    const [name, tag] = [app.slice(0, -2), '1'];
    const images = await docker('images', '--digests', '--format', '{{.Repository}} {{.Tag}} {{.Digest}}');
    expect(images.stdout).toBe(`${name} ${tag} ${digest}\n`);
  });

  promise('what is not signed is neither pulled, created nor run, and docker shows why', async () => {
    for (const command of [['pull'], ['create'], ['run', ...ALONE]]) {
      const refused = await docker(...command, evil);
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toContain(`content trust: ${evil}: denied: `);
    }
    expect((await docker('pull', '--all-tags', app.slice(0, -2))).stderr).toContain('name one tag');
  });

  promise('run: output, exit code and standard input go through', async () => {
    expect(await docker('run', ...ALONE, app)).toMatchObject({ code: 0, stdout: 'what was signed' });
    expect((await docker('run', ...ALONE, app, 'sh', '-c', 'exit 9')).code).toBe(9);
    const text = randomBytes(1_000_000).toString('hex');
    expect((await docker.fed(text, 'run', '-i', ...ALONE, app, 'cat')).stdout).toBe(text);
  });

  promise('run -it and exec -it on a terminal', async () => {
    const session = docker.onTerminal('run', '-it', '--name', 'on-terminal', ...ALONE, app, 'sh');
    await session.expect(/# /);
    session.send(afterSize('echo "[$(stty size)]" "[$((6*7))]"'));
    await session.expect(/\[50 200\] \[42\]/);
    const inside = docker.onTerminal('exec', '-it', 'on-terminal', 'sh', '-c', 'read x; echo "<$x>"; exit 4');
    inside.send('typed\n');
    await inside.expect(/<typed>/);
    expect(await inside.exit()).toBe(4);
    session.send('exit 5\n');
    expect(await session.exit()).toBe(5);
  });

  promise('logs -f, attach, wait, stats, top and events', async () => {
    // from now on, whenever docker gets to asking for them
    const since = String(Math.floor(Date.now() / 1000));
    const filter = ['--since', since, '--filter', 'container=lasting'];
    const events = docker.onTerminal('events', ...filter, '--format', '{{.Action}}');
    await docker(
      'run',
      '-d',
      '-i',
      '--name',
      'lasting',
      '--network',
      'none',
      app,
      'sh',
      '-c',
      'echo begin; read x; echo "got $x"; read y; exit 3',
    );
    await events.expect(/start/);
    expect((await docker('stats', '--no-stream', '--format', '{{.Name}}', 'lasting')).stdout).toBe('lasting\n');
    expect((await docker('top', 'lasting')).stdout).toContain('sh -c');
    const logs = docker.onTerminal('logs', '-f', 'lasting');
    await logs.expect(/begin/);
    const attached = docker.onTerminal('attach', 'lasting');
    attached.send('said\n');
    await attached.expect(/got said/);
    await logs.expect(/got said/);
    attached.send('\n');
    expect(await attached.exit()).toBe(3);
    expect(await logs.exit()).toBe(0);
    expect((await docker('wait', 'lasting')).stdout).toBe('3\n');
    await events.expect(/die/);
    events.send('\x03');
    await events.exit();
    await docker('rm', 'lasting');
  });

  promise('cp both ways, save and load, byte for byte', async () => {
    const file = join(home, 'big');
    writeFileSync(file, randomBytes(30_000_000));
    await docker('run', '-d', '--name', 'copied', '--network', 'none', app, 'sleep', '300');
    expect((await docker('cp', file, 'copied:/tmp/big')).code).toBe(0);
    expect((await docker('cp', 'copied:/tmp/big', `${file}.back`)).code).toBe(0);
    expect(readFileSync(`${file}.back`).equals(readFileSync(file))).toBe(true);
    await docker('rm', '-f', 'copied');
    const archive = join(home, 'saved.tar');
    expect((await docker('save', '-o', archive, app)).code).toBe(0);
    expect((await docker('load', '-i', archive)).stdout).toContain(`Loaded image: ${app}`);
  });

  promise('push goes through; what is pushed so is not signed', async () => {
    await docker('tag', app, `${world.team}/pushed:1`);
    expect((await docker('push', `${world.team}/pushed:1`)).stdout).toContain(digest);
    expect((await docker('run', ...ALONE, `${world.team}/pushed:1`)).stderr).toContain('content trust: ');
  });

  promise('many at once', async () => {
    await docker('rmi', '-f', app);
    const pulls = await Promise.all(
      Array.from({ length: 6 }, (_, index) => docker('pull', index % 3 === 2 ? evil : app)),
    );
    expect(pulls.map(({ code }) => code)).toEqual([0, 0, 1, 0, 0, 1]);
    const runs = await Promise.all(Array.from({ length: 4 }, () => docker('run', ...ALONE, app)));
    expect(runs.map(({ stdout }) => stdout)).toEqual(Array(4).fill('what was signed'));
  });

  promise('docker-compose brings up what is signed, and nothing else', async () => {
    const compose = (image: string, ...args: string[]) => {
      const service = { image, network_mode: 'none', command: ['sleep', '300'] };
      writeFileSync(join(home, 'docker-compose.yml'), JSON.stringify({ version: '2.4', services: { web: service } }));
      return run([program('docker-compose'), ...args], { env: docker.env, cwd: home });
    };
    expect((await compose(app, 'up', '-d')).code).toBe(0);
    expect((await compose(app, 'ps', '--services', '--filter', 'status=running')).stdout).toBe('web\n');
    expect((await compose(app, 'down', '-t', '0')).code).toBe(0);
    const refused = await compose(evil, 'up', '-d');
    expect(refused.code).toBe(1);
    expect(refused.output).toContain(`content trust: ${evil}: denied`);
  });

  promise('a context leads to it', async () => {
    const env = cleanEnvironment({ HOME: home });
    const { DOCKER_HOST: host = '' } = docker.env;
    const installed = await run([...hallmarkProgram(), 'engine-proxy', '--listen', host, '--install-context'], { env });
    expect(installed).toMatchObject({ code: 0, stdout: expect.stringContaining('docker --context trusted') });
    const trusted = (...args: string[]) => run([program('docker'), '--context', 'trusted', ...args], { env });
    expect((await trusted('run', ...ALONE, app)).stdout).toBe('what was signed');
    expect((await trusted('run', ...ALONE, evil)).stderr).toContain('content trust: ');
  });

  promise('a client that keeps its connection is told that it ends, after one answer', async () => {
    const path = (docker.env.DOCKER_HOST ?? '').slice('unix://'.length);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(path, () =>
        socket.write(
          'GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: keep-alive\r\n\r\nGET /info HTTP/1.1\r\nHost: d\r\n\r\n',
        ),
      );
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer.toLowerCase()).toContain('connection: close');
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  promise('over TLS: clients with a certificate, and no others', async () => {
    const directory = world.stage.makeDirectory('tls');
    await makeCertificates(directory, ['server', 'client']);
    const files = ['--tls-cert', join(directory, 'server.crt'), '--tls-key', join(directory, 'server.key')];
    const listen = ['--listen', `tcp://127.0.0.1:${await freePort()}`, '--client-ca', join(directory, 'ca.crt')];
    const { host } = await world.proxy('tls', ...listen, ...files);
    const over = dockerAt(host, home);
    const ca = ['--tlsverify', '--tlscacert', join(directory, 'ca.crt')];
    const own = ['--tlscert', join(directory, 'client.crt'), '--tlskey', join(directory, 'client.key')];
    const text = randomBytes(300_000).toString('hex');
    expect((await over.fed(text, ...ca, ...own, 'run', '-i', ...ALONE, app, 'cat')).stdout).toBe(text);
    expect((await over(...ca, ...own, 'run', ...ALONE, evil)).stderr).toContain('content trust: ');
    expect((await over(...ca, 'version')).code).not.toBe(0);
    expect((await over('version')).code).not.toBe(0);
  });
});
