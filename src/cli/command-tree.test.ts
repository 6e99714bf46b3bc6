// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { runCaptured } from '../../test/support/command-line.ts';
import { COMMAND_GROUPS, commandTree, groupsFor } from './command-tree.ts';
import type { Io } from './io.ts';

const refuse = () => {
  throw new Error('declares, and runs nothing');
};
const out = { write: refuse, isTerminal: false, columns: 80 };
const io = { stdout: out, stderr: out } as unknown as Io;
const names = (argv: readonly string[]) => groupsFor(argv).flatMap((group) => group.names);

describe('the commands that a start declares', () => {
  test('a group says the names of all its commands, and of no others', async () => {
    for (const group of COMMAND_GROUPS) {
      const tree = await commandTree(io, refuse, refuse, [group]);

      expect(tree.commands.map((command) => command.name()).toSorted()).toEqual(group.names.toSorted());
    }
  });

  test('are those that the command line may mean, wherever the command stands in it', () => {
    expect(names(['--trust-dir', 'up', 'verify', 'alpine'])).toEqual([
      ...['pull', 'push', 'verify', 'inspect', 'sign', 'revoke'],
      ...['up', 'demo', 'lab', 'doctor', 'completion', 'install-plugin'],
    ]);
    expect(names(['key', 'list'])).toEqual(['key']);
  });

  test('are all, where it asks for help, for completions, or for nothing that is known', () => {
    for (const argv of [['--help'], ['verify', '-h'], ['help', 'verify'], ['completion', 'bash'], ['nonsense'], []])
      expect(groupsFor(argv)).toBe(COMMAND_GROUPS);
  });

  test('a command line that is wrong leads to the help of its command', async () => {
    const says = async (argv: readonly string[]) => (await runCaptured(argv, { HOME: '/x' }, () => new Date())).stderr;

    expect(await says(['verify'])).toEndWith("see 'hallmark verify --help'\n");
    expect(await says(['key', 'rotate', 'app', '--nonsense'])).toEndWith("see 'hallmark key rotate --help'\n");
    expect(await says(['verify', 'App'])).toEndWith("hint: see 'hallmark verify --help'\n");
  });

  test('the help of the program names its other faces', async () => {
    const { stdout } = await runCaptured(['--help'], { HOME: '/x' }, () => new Date());

    for (const face of ['docker', 'docker-trust', 'notary', 'image-verifier'])
      expect(stdout).toContain(`hallmark ${face} `);
  });

  test('an unknown command is refused as ever, though an argument has the name of a known one', async () => {
    const ran = await runCaptured(['nonsense', 'verify'], { HOME: '/nonexistent' }, () => new Date());

    expect(ran).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: "error: unknown command 'nonsense'\nsee 'hallmark --help'\n",
    });
  });
});
