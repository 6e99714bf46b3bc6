// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { callable } from './command-model.ts';
import { commandReference, completionScript, manPages, programModel } from './index.ts';

const program = await programModel();

/** What bash offers for a command line that is being typed. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `${completionScript('bash', program)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _hallmark; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, exitCode } = Bun.spawnSync(['bash', '--norc', '-c', script]);
  expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: '' });
  return stdout.toString().trim().split('\n');
}

describe('reference of the commands', () => {
  test('docs/commands.md is what the program says: npm run docs writes it anew', () => {
    const page = readFileSync(resolve(import.meta.dir, '../../../docs/commands.md'), 'utf8');
    expect(page).toBe(commandReference(program));
  });

  test('every command that can be called has a section and a description', () => {
    const page = commandReference(program);
    for (const { path, description } of callable(program)) {
      expect(description).not.toBe('');
      expect(page).toContain(`## hallmark ${path.join(' ')}\n`);
    }
  });
});

describe('completions', () => {
  test('bash offers commands, those below them, and options', () => {
    expect(offered('hallmark', 'ver')).toEqual(['verify']);
    expect(offered('hallmark', 'key', 'ro')).toEqual(['rotate']);
    expect(offered('hallmark', 'key', 'rotate', '--server-m')).toEqual(['--server-managed']);
    expect(offered('hallmark', '--json', 'key', 'rotate', 'example.com/app', '--trust-d')).toEqual(['--trust-dir']);
  });

  test('bash offers files where an option takes a value', () => {
    expect(offered('hallmark', 'verify', '--ca', '/etc/pass')).toContain('/etc/passwd');
  });

  test('zsh loads the same, and fish has a line for every command', () => {
    expect(completionScript('zsh', program)).toStartWith('#compdef hallmark\n');
    const fish = completionScript('fish', program);
    for (const { path } of callable(program)) expect(fish).toContain(` -a ${path.at(-1)} `);
  });
});

describe('manual pages', () => {
  test('there is one for the program and one for each command', () => {
    const pages = manPages(program, '1.2.3');
    expect(pages.size).toBe(callable(program).length + 1);
    expect(pages.get('hallmark-key-rotate.1')).toStartWith('.TH HALLMARK\\-KEY\\-ROTATE 1 "" "Hallmark 1.2.3"');
  });

  test('no text of a command becomes a request of roff, or loses a hyphen', () => {
    for (const [name, page] of manPages(program, '1.2.3')) {
      const odd = page
        .split('\n')
        .filter((line) => line.startsWith("'") || (line.startsWith('.') && !/^\.(?:TH|SH|TP|B|BR) ?/.test(line)));
      expect({ name, odd }).toEqual({ name, odd: [] });
      expect(page).toMatch(/^\p{ASCII}*$/u);
      expect(page.replaceAll('\\-', '')).not.toMatch(/^\.B .*--/m);
    }
  });
});
