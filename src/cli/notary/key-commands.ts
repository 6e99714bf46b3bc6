// SPDX-License-Identifier: Apache-2.0
import type { Command } from './command.ts';

export const KEY: Command = {
  name: 'key',
  summary: 'Work on private keys.',
  commands: [
    {
      name: 'export',
      summary: 'Write private keys, encrypted as they are, to a file.',
      flags: [
        { name: 'gun', kind: 'strings', usage: 'only the keys of these collections' },
        { name: 'key', kind: 'strings', usage: 'only these keys' },
        { name: 'output', short: 'o', kind: 'string', usage: 'file to write, in place of standard output' },
      ],
      run: async (call) => (await import('./key-files.ts')).exportKeys(call),
    },
    {
      name: 'generate',
      summary: 'Make a private key.',
      usage: '[ algorithm ] ',
      flags: [
        { name: 'output', short: 'o', kind: 'string', usage: 'write NAME.pem and NAME-key.pem, and store nothing' },
        { name: 'role', short: 'r', kind: 'string', usage: 'what the key is for', default: 'root' },
      ],
      run: async (call) => (await import('./key-files.ts')).generate(call),
    },
    {
      name: 'import',
      summary: 'Store the private keys of PEM files.',
      usage: 'pemfile [ pemfile ... ] ',
      flags: [
        { name: 'gun', short: 'g', kind: 'string', usage: 'collection of the keys, where a file names none' },
        { name: 'role', short: 'r', kind: 'string', usage: 'role of the keys, where a file names none' },
      ],
      run: async (call) => (await import('./key-files.ts')).importKeys(call),
    },
    {
      name: 'list',
      summary: 'List private keys.',
      run: async (call) => (await import('./keys.ts')).list(call),
    },
    {
      name: 'passwd',
      summary: 'Change the passphrase of a private key.',
      usage: '[ keyID ] ',
      run: async (call) => (await import('./keys.ts')).passwd(call),
    },
    {
      name: 'remove',
      summary: 'Remove a private key.',
      usage: '[ keyID ] ',
      run: async (call) => (await import('./keys.ts')).remove(call),
    },
    {
      name: 'rotate',
      summary: 'Give a role of a collection a new key, and publish that alone.',
      usage: '[ GUN ] [ key role ] ',
      flags: [
        { name: 'key', short: 'k', kind: 'strings', usage: 'files of the new keys; one is made unless given' },
        { name: 'legacy', short: 'l', kind: 'int', usage: 'has no effect: clients follow the chain of roots' },
        { name: 'server-managed', short: 'r', kind: 'bool', usage: 'let the trust server hold the key' },
      ],
      run: async (call) => (await import('./rotate.ts')).rotate(call),
    },
  ],
};
