// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manPages, programModel } from '../../src/cli/reference/index.ts';
import { promise } from './support/journal.ts';
import { run, succeed } from './support/processes.ts';
import { cleanEnvironment, hallmarkProgram, program, repositoryRoot } from './support/programs.ts';
import { Stage } from './support/stage.ts';

describe('what shells and man make of the program', () => {
  const stage = new Stage();
  const options = { env: cleanEnvironment({ HOME: stage.directory }), cwd: repositoryRoot };
  afterAll(() => stage.close());

  async function script(shell: string): Promise<string> {
    const file = join(stage.directory, `completion.${shell}`);
    writeFileSync(file, (await succeed([...hallmarkProgram(), 'completion', shell], options)).stdout);
    return file;
  }

  promise('fish offers commands and options', async () => {
    const file = await script('fish');
    const offer = async (line: string) =>
      (await succeed([program('fish'), '-N', '-c', `source ${file}; complete -C '${line}'`], options)).stdout;
    expect(await offer('hallmark key ro')).toStartWith('rotate\t');
    expect(await offer('hallmark key rotate --server-m')).toStartWith('--server-managed\t');
  });

  promise('zsh takes the script', async () => {
    const file = await script('zsh');
    const start = `autoload -U compinit; compinit -u -d ${stage.directory}/dump; source ${file}; whence -w _hallmark`;
    expect((await succeed([program('zsh'), '-fc', start], options)).stdout).toBe('_hallmark: function\n');
  });

  promise('another shell is refused with the ones there are', async () => {
    const { code, stderr } = await run([...hallmarkProgram(), 'completion', 'tcsh'], options);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('bash, zsh, fish') });
  });

  promise('groff has no warning about any manual page', async () => {
    for (const [name, page] of manPages(await programModel(), '0.0.0')) {
      const outcome = await run([program('groff'), '-man', '-Tutf8', '-ww'], { ...options, stdin: page });
      expect({ name, code: outcome.code, stderr: outcome.stderr }).toEqual({ name, code: 0, stderr: '' });
    }
  });
});
