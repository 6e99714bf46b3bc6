// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { basename, join } from 'node:path';
import { startDockerd } from './support/dockerd.ts';
import { ALONE, type Docker, dockerAt, type EngineWorld, openEngineWorld } from './support/engine-world.ts';
import { promise } from './support/journal.ts';
import type { Service } from './support/processes.ts';
import { cleanEnvironment, hallmarkProgram, repositoryRoot } from './support/programs.ts';
import { START_MILLISECONDS } from './support/world.ts';

describe('authorization plugin: an engine of its own that asks before it does', () => {
  let world: EngineWorld;
  let docker: Docker;
  let plugin: Service;
  let [app, evil, engine, evilDigest] = ['', '', '', ''];

  beforeAll(async () => {
    world = await openEngineWorld();
    [app, evil] = [`${world.team}/app:1`, `${world.team}/evil:1`];
    await world.signed(app, 'what was signed');
    await world.unsigned(evil, 'what was not');
    // in the repository that is signed, as whoever may push there can have it
    evilDigest = await world.unsigned(`${world.team}/app:other`, 'what was not');
    const { stage, policy } = world;
    const name = `hallmark-${basename(stage.directory)}`;
    // the engine is there after the plugin, which it asks from its very first request on
    engine = join(stage.directory, 'asking', 'docker.sock');
    const argv = [
      'engine-authz',
      '--policy',
      policy,
      '--engine',
      `unix://${engine}`,
      '--state',
      stage.makeDirectory('authz'),
    ];
    plugin = stage.start(
      'hallmark engine-authz',
      [...hallmarkProgram(), ...argv, '--socket', `/run/docker/plugins/${name}.sock`],
      {
        env: cleanEnvironment({ HOME: stage.makeDirectory('authz-home') }),
        cwd: repositoryRoot,
      },
    );
    await plugin.line(/^ready authz=/m);
    const host = await startDockerd(stage, 'asking', `--authorization-plugin=${name}`);
    docker = dockerAt(host, stage.makeDirectory('client'));
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  promise('what is signed is pulled and run', async () => {
    expect((await docker('pull', app)).code).toBe(0);
    expect((await docker('run', ...ALONE, app)).stdout).toBe('what was signed');
  });

  promise('what is not is refused, and docker shows why', async () => {
    for (const words of [['pull'], ['run', ...ALONE]])
      expect((await docker(...words, evil)).stderr).toContain(`content trust: ${evil}: denied`);
  });

  promise('S24 a digest in the name with a signed tag beside it is a pull of that digest, and refused', async () => {
    const pull = async (name: string, tag: string) => {
      const query = new URLSearchParams({ fromImage: name, tag });
      const url = `http://docker/v1.41/images/create?${query}`;
      return (await fetch(url, { method: 'POST', unix: engine, headers: { 'content-length': '0' } })).text();
    };
    const name = app.slice(0, -2);
    for (const tag of ['1', evilDigest]) expect(await pull(`${name}@${evilDigest}`, tag)).toContain('content trust: ');
    expect(await pull(name, '1')).toContain('Pulling from team/app');
    expect((await docker('images', '--digests', '--format', '{{.Digest}}')).stdout).not.toContain(evilDigest);
  });

  promise('S24 a plugin is installed by its digest alone: by its tag it would be what the registry has', async () => {
    const install = (name: string) => docker('plugin', 'install', '--grant-all-permissions', name);
    const pull = (remote: string) =>
      fetch(`http://docker/v1.41/plugins/pull?${new URLSearchParams({ remote })}`, {
        method: 'POST',
        unix: engine,
        headers: { 'content-type': 'application/json' },
        body: '[]',
      }).then((response) => response.text());
    expect((await install(evil)).code).not.toBe(0);
    expect(await pull(app)).toContain('content trust: ');
    expect(await pull(evil)).toContain('content trust: ');
  });

  promise('S24 another image under a signed name is not run', async () => {
    const { code } = await docker(
      'import',
      '--change',
      'CMD ["/bin/sh"]',
      join(world.stage.directory, 'runnable/root.tar'),
      'other:1',
    );
    expect(code).toBe(0);
    await docker('tag', 'other:1', app);
    expect((await docker('run', ...ALONE, app)).stderr).toContain('is another image here than the one that was signed');
  });

  promise('S28 without the plugin the engine does nothing', async () => {
    expect(await plugin.stop()).toBe(0);
    expect((await docker('run', ...ALONE, app)).code).not.toBe(0);
  });
});
