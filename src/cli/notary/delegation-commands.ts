// SPDX-License-Identifier: Apache-2.0
import { type Command, PUBLISH } from './command.ts';

export const DELEGATION: Command = {
  name: 'delegation',
  summary: 'Work on delegations.',
  commands: [
    {
      name: 'add',
      summary: 'Stage a delegation, or keys and paths for one.',
      usage: '[ GUN ] [ Role ] <X509 file path 1> ... ',
      flags: [
        PUBLISH,
        { name: 'all-paths', kind: 'bool', usage: 'let it sign every path' },
        { name: 'paths', kind: 'strings', usage: 'prefixes of the paths that it may sign' },
      ],
      run: async (call) => (await import('./delegations.ts')).add(call),
    },
    {
      name: 'list',
      summary: 'List delegations with their keys and paths.',
      usage: '[ GUN ] ',
      run: async (call) => (await import('./delegations.ts')).list(call),
    },
    {
      name: 'purge',
      summary: 'Stage the removal of keys from all delegations.',
      usage: '[ GUN ] ',
      flags: [PUBLISH, { name: 'key', kind: 'strings', usage: 'IDs of the keys' }],
      run: async (call) => (await import('./delegations.ts')).purge(call),
    },
    {
      name: 'remove',
      summary: 'Stage the removal of a delegation, or of some of its keys and paths.',
      usage: '[ GUN ] [ Role ] <KeyID 1> ... ',
      flags: [
        PUBLISH,
        { name: 'all-paths', kind: 'bool', usage: 'take all paths from it' },
        { name: 'paths', kind: 'strings', usage: 'prefixes to take from it' },
        { name: 'yes', short: 'y', kind: 'bool', usage: 'remove the whole delegation without asking' },
      ],
      run: async (call) => (await import('./delegations.ts')).remove(call),
    },
  ],
};
