// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { type Flag, parseFlags } from './command-line.ts';
import { findCommand } from './command-path.ts';
import { NOTARY } from './commands.ts';

const FLAGS: readonly Flag[] = [
  { name: 'publish', short: 'p', kind: 'bool', usage: '' },
  { name: 'quiet', short: 'q', kind: 'bool', usage: '' },
  { name: 'output', short: 'o', kind: 'string', usage: '' },
  { name: 'roles', short: 'r', kind: 'strings', usage: '' },
  { name: 'number', short: 'n', kind: 'ints', usage: '' },
];
const parse = (line: string) => parseFlags(line === '' ? [] : line.split(' '), FLAGS);

describe('flags and arguments', () => {
  test('stand in any order', () => {
    for (const line of ['a -p b -o x', '-p -o x a b', 'a b --publish --output=x', 'a b -pox', 'a -o=x b -p']) {
      const { args, flags } = parse(line);
      expect([args, flags.isOn('publish'), flags.text('output')]).toEqual([['a', 'b'], true, 'x']);
    }
  });

  test('after two dashes there are arguments alone, and one dash is an argument', () => {
    expect(parse('a -- -p --nope').args).toEqual(['a', '-p', '--nope']);
    expect(parse('-').args).toEqual(['-']);
  });

  test('lists are repeated and parted by commas; of other flags the last counts', () => {
    const { flags } = parse('-r a,b --roles c -n 1,2 -n 3 -o x -o y');
    expect(flags.texts('roles')).toEqual(['a', 'b', 'c']);
    expect(flags.numbers('number')).toEqual([1, 2, 3]);
    expect(flags.text('output')).toBe('y');
  });

  test('an empty list is given, though it lists nothing', () => {
    const { flags } = parseFlags(['--roles', ''], FLAGS);
    expect([flags.isGiven('roles'), flags.texts('roles')]).toEqual([true, []]);
  });

  test('switches can be turned off, and joined', () => {
    expect(parse('--publish=false').flags.isOn('publish')).toBe(false);
    expect(['publish', 'quiet'].map((name) => parse('-pq').flags.isOn(name))).toEqual([true, true]);
    expect(parse('-h').isHelpAsked).toBe(true);
  });

  for (const [line, message] of [
    ['--nope', 'unknown flag: --nope'],
    ['-px', "unknown shorthand flag: 'x' in -px"],
    ['-o', "flag needs an argument: 'o' in -o"],
    ['--output', 'flag needs an argument: --output'],
    ['--publish=perhaps', 'invalid argument "perhaps" for --publish'],
    ['-n 1,two', 'invalid argument "1,two" for -n'],
  ] as const)
    test(`${line} is an error`, () => {
      expect(() => parse(line)).toThrow(message);
    });
});

describe('the command', () => {
  const find = (line: string) => {
    const { path, words } = findCommand(NOTARY, line.split(' '));
    return [path.join(' '), words.join(' ')];
  };

  test('is found behind global flags and their values', () => {
    expect(find('-s https://x -D list gun')).toEqual(['notary list', '-s https://x -D gun']);
    expect(find('--server https://x delegation -d dir add gun role')).toEqual([
      'notary delegation add',
      '--server https://x -d dir gun role',
    ]);
    expect(find('--server=list key list')).toEqual(['notary key list', '--server=list']);
  });

  test('is asked for help in two ways', () => {
    expect(find('help key rotate')).toEqual(['notary key rotate', '--help']);
    expect(find('key rotate --help')).toEqual(['notary key rotate', '--help']);
  });

  test('that is none is an error; below a group it gets the list', () => {
    expect(() => find('frobnicate')).toThrow('unknown command "frobnicate" for "notary"');
    expect(find('key frobnicate')).toEqual(['notary key', '']);
  });
});
