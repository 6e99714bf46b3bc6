// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promise } from './support/journal.ts';
import { run } from './support/processes.ts';
import { cleanEnvironment, hallmarkProgram, repositoryRoot } from './support/programs.ts';

const directory = mkdtempSync(join(tmpdir(), 'hallmark-hostile-'));
const [home, sources] = [join(directory, 'home'), join(directory, 'sources')];
const trace = join(directory, 'trace');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What somebody else put into sources that the user looks at: each would change what the program does. */
const PLANTED: Readonly<Record<string, string>> = {
  '.env': 'DOCKER_CONTENT_TRUST_SERVER=http://planted.invalid\nHALLMARK_TRUST_DIR=planted\n',
  '.env.local': 'DOCKER_CONTENT_TRUST=0\n',
  '.env.production': 'DOCKER_CONTENT_TRUST=0\n',
  'bunfig.toml': 'preload = ["./planted.ts"]\n',
  'planted.ts': `require('node:fs').writeFileSync(${JSON.stringify(trace)}, 'ran')\n`,
  'tsconfig.json': '{"compilerOptions":{"paths":{"commander":["./planted.ts"]}}}\n',
  'package.json': '{"name":"planted","imports":{"#x":"./planted.ts"}}\n',
  'node_modules/commander/index.js': `require('node:fs').writeFileSync(${JSON.stringify(trace)}, 'ran')\n`,
  '.docker/config.json': '{"credsStore":"planted"}\n',
  '.docker/trust/hallmark/pins.json': 'planted\n',
  'hallmark/pins.json': 'planted\n',
  'notary.json': 'planted\n',
  '.notary/config.json': 'planted\n',
  'docker-credential-planted': `#!/bin/sh\ntouch ${trace}\n`,
};

mkdirSync(home, { recursive: true });
for (const [name, content] of Object.entries(PLANTED)) {
  mkdirSync(join(sources, name, '..'), { recursive: true });
  writeFileSync(join(sources, name), content);
  chmodSync(join(sources, name), 0o755);
}

const env = cleanEnvironment({ HOME: home, DOCKER_CONTENT_TRUST_SERVER: 'http://127.0.0.1:9' });
const { DOCKER_CONTENT_TRUST_SERVER: _, ...bare } = env;

describe('S35 a directory that somebody else made has no say', () => {
  promise('nothing of it is run, and no setting is taken from it', async () => {
    for (const argv of [['verify', 'localhost:5000/app:1'], ['key', 'list'], ['pin', 'list'], ['--version']]) {
      const { output } = await run([...hallmarkProgram(), ...argv], { env: bare, cwd: sources });
      expect(output).not.toContain('planted');
      expect(existsSync(trace)).toBe(false);
    }
    const { code, output } = await run([...hallmarkProgram(), 'verify', 'localhost:5000/app:1'], { env, cwd: sources });
    expect([code, output.includes('127.0.0.1:9')]).toEqual([1, true]);
  });

  promise('nor does the first line of the program let anything in', async () => {
    const [first] = readFileSync(join(repositoryRoot, 'bin/hallmark.ts'), 'utf8').split('\n');
    const flags = /^#!\/usr\/bin\/env -S bun (.*)$/.exec(first ?? '')?.[1]?.split(' ') ?? [];
    const argv = [process.execPath, ...flags, join(repositoryRoot, 'bin/hallmark.ts'), 'key', 'list'];

    expect((await run(argv, { env: bare, cwd: sources })).code).toBe(0);
    expect(existsSync(trace)).toBe(false);
  });

  promise('nor does the plugin that Docker runs', async () => {
    const plugins = join(home, 'plugins');
    const install = [...hallmarkProgram(), 'install-plugin', '--dir', plugins];
    expect((await run(install, { env, cwd: home })).code).toBe(0);

    const plugin = join(plugins, 'docker-trust');
    expect((await run([plugin, 'docker-cli-plugin-metadata'], { env: bare, cwd: sources })).code).toBe(0);
    expect(existsSync(trace)).toBe(false);
  });
});
