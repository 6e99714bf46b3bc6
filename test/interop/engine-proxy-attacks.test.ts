// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { copyFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { ALONE, type Docker, dockerAt, type EngineWorld, openEngineWorld } from './support/engine-world.ts';
import { promise } from './support/journal.ts';
import { START_MILLISECONDS } from './support/world.ts';

describe('engine proxy: attacks', () => {
  let world: EngineWorld;
  /** Through the proxy, and at the engine itself, as somebody who is on the machine. */
  let docker: Docker;
  let direct: Docker;
  let [app, evil, digest, evilDigest] = ['', '', '', ''];

  beforeAll(async () => {
    world = await openEngineWorld();
    [app, evil] = [`${world.team}/app:1`, `${world.team}/evil:1`];
    digest = await world.signed(app, 'what was signed');
    evilDigest = await world.unsigned(evil, 'what was not');
    await world.forget();
    const home = world.stage.makeDirectory('client');
    docker = dockerAt((await world.proxy('main')).host, home);
    direct = dockerAt(world.dockerHost, home);
    await direct('pull', evil);
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  promise('S24 a tag that was moved in the registry is pulled and run as it was signed', async () => {
    await direct('tag', evil, app);
    expect((await direct('push', app)).stdout).toContain(evilDigest);
    await direct('rmi', app);
    expect((await docker('pull', app)).stdout).toContain(digest);
    expect((await docker('run', ...ALONE, app)).stdout).toBe('what was signed');
  });

  promise('S24 another image under a signed name on the machine is not run', async () => {
    await direct('tag', evil, app);
    expect((await direct('run', ...ALONE, app)).stdout).toBe('what was not');
    expect((await docker('run', ...ALONE, app)).stdout).toBe('what was signed');
  });

  promise('S24 an image loaded under a name that is signed is not run', async () => {
    await docker('pull', app);
    await direct('tag', evil, app);
    const archive = join(world.stage.directory, 'evil.tar');
    await direct('save', '-o', archive, app);
    await direct('rmi', '-f', app);
    await direct('rmi', '-f', `${app.slice(0, -2)}@${digest}`);
    await docker('load', '-i', archive);
    const run = await docker('run', ...ALONE, app);
    expect(run.stdout).toBe('what was signed');
    expect(run.stderr).toContain('Unable to find image');
  });

  promise('S24 other bytes under the signed digest in the registry: the engine takes them for nothing', async () => {
    const name = `${world.team}/altered:1`;
    const hex = (await world.signed(name, 'to be altered')).slice('sha256:'.length);
    const port = world.registry.split(':')[1];
    const blobs = join(world.stage.directory, `registry-${port}`, 'data/docker/registry/v2/blobs/sha256');
    const other = join(blobs, evilDigest.slice('sha256:'.length).replace(/^(..)/, '$1/$1'), 'data');
    copyFileSync(other, join(blobs, hex.slice(0, 2), hex, 'data'));
    await direct('rmi', '-f', name, `${name.slice(0, -2)}@sha256:${hex}`);
    expect((await docker('run', ...ALONE, name)).code).not.toBe(0);
    expect((await docker('images', '--quiet', name)).stdout).toBe('');
  });

  promise('an image by its ID, whole or short, is judged by what it was pulled as', async () => {
    const id = async (image: string) => (await direct('image', 'inspect', '--format', '{{.Id}}', image)).stdout.trim();
    const [bad, good] = [await id(evil), await id(`${app.slice(0, -2)}@${digest}`)];
    for (const name of [bad, bad.slice('sha256:'.length, 19)])
      expect((await docker('run', ...ALONE, name)).stderr).toContain('content trust: ');
    for (const name of [good, good.slice('sha256:'.length, 19)])
      expect((await docker('run', ...ALONE, name)).stdout).toBe('what was signed');
  });

  promise('S30 an image that is mounted into a signed one is refused', async () => {
    const run = await docker('run', ...ALONE, '--mount', `type=image,source=${evil},target=/m`, app);
    expect(run.stderr).toContain(`content trust: ${evil}: denied`);
  });

  promise('a digest that nobody signed is refused, also for a signed tag', async () => {
    for (const name of [`${app.slice(0, -2)}@${evilDigest}`, `${app}@${evilDigest}`])
      expect((await docker('run', ...ALONE, name)).stderr).toContain('content trust: ');
  });

  promise('S36 a trust server that is gone, that answers without end or with nonsense: nothing runs', async () => {
    const answers: Record<string, (write: (text: string) => boolean, end: () => void) => void> = {
      nonsense: (write, end) => {
        write('{"signed":');
        end();
      },
      'without end': (write) => {
        while (write('x'.repeat(65_536)));
      },
    };
    for (const [name, answer] of Object.entries(answers)) {
      const server: Server = createServer((_, response) => {
        response.on('drain', () =>
          answer(
            (text) => response.write(text),
            () => response.end(),
          ),
        );
        answer(
          (text) => response.write(text),
          () => response.end(),
        );
      });
      const port = await freePort();
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      await refusesWith(name.replace(' ', '-'), `http://127.0.0.1:${port}`);
      server.closeAllConnections();
      server.close();
    }
    await refusesWith('gone', `http://127.0.0.1:${await freePort()}`);
  });

  async function refusesWith(name: string, server: string): Promise<void> {
    const policy = join(world.stage.makeDirectory(`policy-${name}`), 'policy.yaml');
    writeFileSync(policy, `version: 1\nrules:\n  - images: '**'\n    server: ${server}\n    first-use: true\n`, {
      mode: 0o600,
    });
    const other = dockerAt(
      (await world.proxy(name, '--policy', policy)).host,
      world.stage.makeDirectory(`client-${name}`),
    );
    const runs = await Promise.all([other('run', ...ALONE, app), other('pull', app)]);
    for (const run of runs) {
      expect(run.code).not.toBe(0);
      expect(run.stdout).toBe('');
      expect(run.stderr).toContain('content trust: ');
    }
  }
});
