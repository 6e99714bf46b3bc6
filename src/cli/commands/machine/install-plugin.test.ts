// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { CommandContext } from '../../context.ts';
import { PartialFailure } from '../../usage-error.ts';
import { installPlugin, type RunningProgram } from './install-plugin.ts';

let home: string;
let out: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hm-plugin-'));
  out = '';
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function context(globals = {}): CommandContext {
  const output = (keep: boolean) => ({
    write: (text: string) => {
      if (keep) out += text;
    },
    isTerminal: false,
    columns: 80,
  });
  const io = { env: { DOCKER_CONFIG: home }, stdout: output(true), stderr: output(false), cwd: home };
  return { io, globals } as unknown as CommandContext;
}

const plugins = () => join(home, 'cli-plugins');
const plugin = () => join(plugins(), 'docker-trust');
const compiled = (): RunningProgram => ({ kind: 'executable', path: join(home, 'hallmark') });
const fromSources: RunningProgram = {
  kind: 'sources',
  runtime: process.execPath,
  entry: join(import.meta.dir, "it's.ts"),
};

describe('install-plugin', () => {
  test('an executable is linked, and nothing else is left behind', async () => {
    await installPlugin(context(), {}, compiled());
    expect(readlinkSync(plugin())).toBe(join(home, 'hallmark'));
    expect(readdirSync(plugins())).toEqual(['docker-trust']);
    expect(out).toBe(`Installed ${plugin()}: it runs ${join(home, 'hallmark')}\n`);
  });

  test('where there are no links the executable is copied, under the name that system wants', async () => {
    writeFileSync(join(home, 'hallmark'), 'the program');
    await installPlugin(context(), {}, compiled(), 'win32');
    await installPlugin(context(), {}, compiled(), 'win32');
    expect(readFileSync(`${plugin()}.exe`, 'utf8')).toBe('the program');
  });

  test('from sources a launcher is written, whatever characters the paths have', async () => {
    await installPlugin(context(), {}, fromSources);
    const entry = join(import.meta.dir, "it'\\''s.ts");
    expect(readFileSync(plugin(), 'utf8')).toEndWith(
      `\nexec '${process.execPath}' --no-env-file --config=/dev/null '${entry}' docker-trust "$@"\n`,
    );
    expect(lstatSync(plugin()).mode & 0o777).toBe(0o755);
  });

  test('the launcher runs the entry of these very sources', async () => {
    await installPlugin(context(), {});
    const [, entry = ''] = /'([^']*)' docker-trust "\$@"\n$/.exec(readFileSync(plugin(), 'utf8')) ?? [];
    expect(entry).toBe(resolve(import.meta.dir, '../../../../bin/hallmark.ts'));
    expect(existsSync(entry)).toBe(true);
  });

  test('what it made before, it replaces', async () => {
    await installPlugin(context(), {}, fromSources);
    await installPlugin(context(), {}, compiled());
    await installPlugin(context(), {}, fromSources);
    expect(lstatSync(plugin()).isFile()).toBe(true);
  });

  test('a foreign file stays, unless it is told to replace it', async () => {
    writeFileSync(join(home, 'docker-trust'), 'somebody else made this');
    const refused = installPlugin(context(), { dir: '.' }, compiled());
    const failure = await refused.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PartialFailure);
    expect(String(failure)).toContain(`${join(home, 'docker-trust')} is there already and was not made by hallmark`);
    expect(readFileSync(join(home, 'docker-trust'), 'utf8')).toBe('somebody else made this');
    await installPlugin(context(), { dir: '.', force: true }, compiled());
    expect(lstatSync(join(home, 'docker-trust')).isSymbolicLink()).toBe(true);
  });

  test('--json says where it is and what it runs', async () => {
    await installPlugin(context({ json: true }), {}, compiled());
    expect(JSON.parse(out)).toEqual({ path: plugin(), program: join(home, 'hallmark') });
  });
});
