// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Docker, dockerAt, type EngineWorld, openEngineWorld } from './support/engine-world.ts';
import { promise } from './support/journal.ts';
import { START_MILLISECONDS } from './support/world.ts';

describe('engine proxy: builds that reach for what is not signed', () => {
  let world: EngineWorld;
  let docker: Docker;
  let direct: Docker;
  let [app, evil] = ['', ''];

  beforeAll(async () => {
    world = await openEngineWorld();
    [app, evil] = [`${world.team}/app:1`, `${world.team}/evil:1`];
    await world.signed(app, 'what was signed');
    await world.unsigned(evil, 'what was not');
    const home = world.stage.makeDirectory('client');
    docker = dockerAt((await world.proxy('main', '--builds', 'judge')).host, home);
    direct = dockerAt(world.dockerHost, home);
    await direct('tag', evil, 'evilstage:latest');
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  const built = (which: Docker, text: string, flags: readonly string[]) => {
    const context = world.stage.makeDirectory('context');
    writeFileSync(join(context, 'Dockerfile'), text);
    Object.assign(which.env, { DOCKER_BUILDKIT: '0' });
    return which('build', '--network', 'none', '--no-cache', ...flags, context);
  };

  for (const [name, lines, flags] of [
    ['a flag in quotes', ['FROM APP', 'COPY --fr"om"=EVIL /content /content', 'RUN cat /content'], []],
    ['a flag with an escape', ['FROM APP', 'COPY --\\from=EVIL /content /content', 'RUN cat /content'], []],
    ['the own stage', ['FROM APP AS evilstage', 'COPY --from=evilstage /content /content2', 'RUN cat /content2'], []],
    [
      'an argument that needs no declaration',
      [`FROM $${'{HTTP_PROXY:-scratch}'}`, 'RUN cat /content'],
      ['--build-arg', 'HTTP_PROXY=EVIL'],
    ],
  ] as const) {
    promise(`S24 ${name} brings nothing into a build that the engine alone would take`, async () => {
      const fill = (text: string) => text.replace('APP', app).replace('EVIL', evil);
      const text = lines.map(fill).join('\n');
      const build = (which: Docker) => built(which, text, flags.map(fill));
      expect((await build(direct)).stdout).toContain('what was not');
      const judged = await build(docker);
      expect(judged.stdout).not.toContain('what was not');
      expect(judged.code).not.toBe(0);
      expect(judged.stderr).toContain('content trust: Dockerfile line ');
    });
  }
});
