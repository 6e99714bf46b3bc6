// SPDX-License-Identifier: Apache-2.0
import type { TrustCommandAction } from './context.ts';

/** A flag of a command. */
export interface Flag {
  readonly short?: string;
  /** Whether something follows it. */
  readonly value: boolean;
}

/** One command, and how it is called. */
export interface TrustCommand {
  /** The words after `docker trust`. */
  readonly path: readonly string[];
  /** What follows the words in the usage line; Docker's own, with its white space. */
  readonly usage: string;
  readonly summary: string;
  readonly flags: Readonly<Record<string, Flag>>;
  /** The lines that explain the flags. */
  readonly flagHelp: string;
  readonly args: { readonly exactly: number } | { readonly atLeast: number };
  /** The command's own file is read when it is called. */
  load(): Promise<TrustCommandAction>;
}

/** Every command of `docker trust` (reference 10.6). */
export const COMMANDS: readonly TrustCommand[] = [
  {
    path: ['inspect'],
    usage: 'IMAGE[:TAG] [IMAGE[:TAG]...]',
    summary: 'Return low-level information about keys and signatures',
    flags: { pretty: { value: false } },
    flagHelp: '      --pretty   Print the information in a human friendly format\n',
    args: { atLeast: 1 },
    load: async () => (await import('./inspect.ts')).inspect,
  },
  {
    path: ['revoke'],
    usage: '[OPTIONS] IMAGE[:TAG]',
    summary: 'Remove trust for an image',
    flags: { yes: { short: 'y', value: false } },
    flagHelp: '  -y, --yes   Do not prompt for confirmation\n',
    args: { exactly: 1 },
    load: async () => (await import('./revoke.ts')).revoke,
  },
  {
    path: ['sign'],
    usage: 'IMAGE:TAG',
    summary: 'Sign an image',
    flags: { local: { value: false } },
    flagHelp: '      --local   Sign a locally tagged image\n',
    args: { exactly: 1 },
    load: async () => (await import('./sign.ts')).sign,
  },
  {
    path: ['key', 'generate'],
    usage: 'NAME',
    summary: 'Generate and load a signing key-pair',
    flags: { dir: { value: true } },
    flagHelp: `      --dir string   Directory to generate key in, defaults to current
                     directory\n`,
    args: { exactly: 1 },
    load: async () => (await import('./key-generate.ts')).keyGenerate,
  },
  {
    path: ['key', 'load'],
    usage: '[OPTIONS] KEYFILE',
    summary: 'Load a private key file for signing',
    flags: { name: { value: true } },
    flagHelp: '      --name string   Name for the loaded key (default "signer")\n',
    args: { exactly: 1 },
    load: async () => (await import('./key-load.ts')).keyLoad,
  },
  {
    path: ['signer', 'add'],
    usage: 'OPTIONS NAME REPOSITORY [REPOSITORY...] ',
    summary: 'Add a signer',
    flags: { key: { value: true } },
    flagHelp: "      --key list   Path to the signer's public key file\n",
    args: { atLeast: 2 },
    load: async () => (await import('./signer-add.ts')).signerAdd,
  },
  {
    path: ['signer', 'remove'],
    usage: '[OPTIONS] NAME REPOSITORY [REPOSITORY...]',
    summary: 'Remove a signer',
    flags: { force: { short: 'f', value: false } },
    flagHelp: `  -f, --force   Do not prompt for confirmation before removing the most
                recent signer\n`,
    args: { atLeast: 2 },
    load: async () => (await import('./signer-remove.ts')).signerRemove,
  },
];

/** Groups of commands, and what they are for; the empty path is `docker trust` itself. */
export const GROUPS: readonly { readonly path: readonly string[]; readonly summary: string }[] = [
  { path: [], summary: 'Manage trust on Docker images' },
  { path: ['key'], summary: 'Manage keys for signing Docker images' },
  { path: ['signer'], summary: 'Manage entities who can sign Docker images' },
];
