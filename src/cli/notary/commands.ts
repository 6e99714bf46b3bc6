// SPDX-License-Identifier: Apache-2.0

import { type Command, PUBLISH } from './command.ts';
import type { Flag } from './command-line.ts';
import { DELEGATION } from './delegation-commands.ts';
import { KEY } from './key-commands.ts';

const CUSTOM: Flag = { name: 'custom', kind: 'string', usage: 'file of JSON to sign along with the target' };
const roles = (usage: string): Flag => ({ name: 'roles', short: 'r', kind: 'strings', usage });

/** The `notary` command as Notary 0.7 has it (reference 11.1); the texts are our own. */
export const NOTARY: Command = {
  name: 'notary',
  summary: 'Signs collections of targets, and verifies what others signed.',
  flags: [{ name: 'version', kind: 'bool', usage: 'print the version' }],
  run: async (call) => (await import('./version.ts')).versionLine(call),
  commands: [
    {
      name: 'add',
      summary: 'Stage a file as a target.',
      usage: '[ GUN ] <target> <file> ',
      flags: [PUBLISH, CUSTOM, roles('delegations to sign it in, in place of targets')],
      run: async (call) => (await import('./targets.ts')).add(call),
    },
    {
      name: 'addhash',
      summary: 'Stage a target by its size and hashes.',
      usage: '[ GUN ] <target> <byte size> <hashes> ',
      flags: [
        PUBLISH,
        CUSTOM,
        roles('delegations to sign it in, in place of targets'),
        { name: 'sha256', kind: 'string', usage: 'SHA-256 of the content, in hex' },
        { name: 'sha512', kind: 'string', usage: 'SHA-512 of the content, in hex' },
      ],
      run: async (call) => (await import('./targets.ts')).addHash(call),
    },
    DELEGATION,
    {
      name: 'delete',
      summary: 'Delete the trust data of a collection.',
      usage: '[ GUN ] ',
      flags: [{ name: 'remote', kind: 'bool', usage: 'delete it on the trust server as well' }],
      run: async (call) => (await import('./collection.ts')).remove(call),
    },
    {
      name: 'init',
      summary: 'Make a collection on this machine.',
      usage: '[ GUN ] ',
      flags: [
        PUBLISH,
        { name: 'rootkey', kind: 'string', usage: 'file of the root key to take' },
        { name: 'rootcert', kind: 'string', usage: 'file of the certificate to publish the root key under' },
      ],
      run: async (call) => (await import('./initialize.ts')).init(call),
    },
    KEY,
    {
      name: 'list',
      summary: 'List the targets of a collection.',
      usage: '[ GUN ] ',
      flags: [roles('roles to list, the first that signs a name wins')],
      run: async (call) => (await import('./reading.ts')).list(call),
    },
    {
      name: 'lookup',
      summary: 'Show hash and size of a target.',
      usage: '[ GUN ] <target> ',
      run: async (call) => (await import('./reading.ts')).lookup(call),
    },
    {
      name: 'publish',
      summary: 'Publish what is staged.',
      usage: '[ GUN ] ',
      run: async (call) => (await import('./collection.ts')).publish(call),
    },
    {
      name: 'remove',
      summary: 'Stage the removal of a target.',
      usage: '[ GUN ] <target> ',
      flags: [PUBLISH, roles('delegations to remove it from, in place of targets')],
      run: async (call) => (await import('./targets.ts')).remove(call),
    },
    {
      name: 'reset',
      summary: 'Drop staged changes.',
      usage: '[ GUN ] ',
      flags: [
        { name: 'all', kind: 'bool', usage: 'drop all of them' },
        { name: 'number', short: 'n', kind: 'ints', usage: 'drop these, by their numbers in the status' },
      ],
      run: async (call) => (await import('./collection.ts')).reset(call),
    },
    {
      name: 'status',
      summary: 'Show staged changes.',
      usage: '[ GUN ] ',
      run: async (call) => (await import('./collection.ts')).status(call),
    },
    {
      name: 'verify',
      summary: 'Pass content on if it is what was signed for a target.',
      usage: '[ GUN ] <target> ',
      flags: [
        { name: 'input', short: 'i', kind: 'string', usage: 'file to read, in place of standard input' },
        { name: 'output', short: 'o', kind: 'string', usage: 'file to write, in place of standard output' },
        { name: 'quiet', short: 'q', kind: 'bool', usage: 'write nothing but errors' },
      ],
      run: async (call) => (await import('./reading.ts')).verify(call),
    },
    {
      name: 'version',
      summary: 'Print the version.',
      run: async (call) => (await import('./version.ts')).version(call),
    },
    {
      name: 'witness',
      summary: 'Mark roles to be signed anew.',
      usage: '[ GUN ] <role> ... ',
      flags: [PUBLISH],
      run: async (call) => (await import('./collection.ts')).witness(call),
    },
  ],
};
