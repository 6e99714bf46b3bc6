// SPDX-License-Identifier: Apache-2.0
import { basename, dirname } from 'node:path';
import { TrustCommandError } from './errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Flags of `docker` itself that stand before `trust`; `value` is whether something follows the flag. */
interface GlobalFlag {
  readonly names: readonly string[];
  readonly value: boolean;
  apply(value: string, env: Record<string, string | undefined>): void;
}

/** The variables with which every other part of the program finds its way say the same as these flags. */
const FLAGS: readonly GlobalFlag[] = [
  {
    names: ['--config'],
    value: true,
    apply(value, env) {
      env.DOCKER_CONFIG = value;
    },
  },
  {
    names: ['--context', '-c'],
    value: true,
    apply(value, env) {
      env.DOCKER_CONTEXT = value;
      env.DOCKER_HOST = undefined;
    },
  },
  {
    names: ['--host', '-H'],
    value: true,
    apply(value, env) {
      env.DOCKER_HOST = value;
    },
  },
  { names: ['--debug', '-D'], value: false, apply: () => undefined },
  { names: ['--log-level', '-l'], value: true, apply: () => undefined },
  {
    names: ['--tls'],
    value: false,
    apply(_, env) {
      env.DOCKER_TLS = '1';
    },
  },
  {
    names: ['--tlsverify'],
    value: false,
    apply(_, env) {
      env.DOCKER_TLS_VERIFY = '1';
    },
  },
  { names: ['--tlscacert'], value: true, apply: (value, env) => tlsFile('--tlscacert', 'ca.pem', value, env) },
  { names: ['--tlscert'], value: true, apply: (value, env) => tlsFile('--tlscert', 'cert.pem', value, env) },
  { names: ['--tlskey'], value: true, apply: (value, env) => tlsFile('--tlskey', 'key.pem', value, env) },
];

/** Docker's own place for these files: one directory with fixed names. A file elsewhere would be left out silently. */
function tlsFile(flag: string, name: string, value: string, env: Record<string, string | undefined>): void {
  if (basename(value) !== name) {
    throw new TrustCommandError(`${flag}: ${value} must be called ${name}: put it into DOCKER_CERT_PATH`);
  }
  env.DOCKER_CERT_PATH = dirname(value);
}

/**
 * Takes the flags that `docker` hands on to a plugin before the command, as it was given them.
 * @throws TrustCommandError `unknown flag`, in Docker's words
 */
export function takeGlobalFlags(
  argv: readonly string[],
  env: Environment,
): { readonly env: Environment; readonly rest: readonly string[] } {
  const changed: Record<string, string | undefined> = { ...env };
  let at = 0;
  for (let word = argv[at]; word?.startsWith('-') && !isHelp(word); word = argv[at]) {
    const { flag, inline } = flagOf(word);
    at++;
    const value = flag.value ? (inline ?? argv[at++]) : (inline ?? 'true');
    if (value === undefined) throw new TrustCommandError(`flag needs an argument: ${word}`, { exitCode: 125 });
    // `--tlsverify=false` and its like switch nothing on
    if (flag.value || value !== 'false') flag.apply(value, changed);
  }
  return { env: changed, rest: argv.slice(at) };
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h';
}

function flagOf(word: string): { flag: GlobalFlag; inline: string | undefined } {
  const long = word.startsWith('--');
  const equals = word.indexOf('=');
  const name = long ? (equals < 0 ? word : word.slice(0, equals)) : word.slice(0, 2);
  const flag = FLAGS.find(({ names }) => names.includes(name));
  if (flag === undefined) throw new TrustCommandError(unknown(word), { exitCode: 125 });
  if (long) return { flag, inline: equals < 0 ? undefined : word.slice(equals + 1) };
  return { flag, inline: word.length > 2 ? word.slice(word[2] === '=' ? 3 : 2) : undefined };
}

function unknown(word: string): string {
  return word.startsWith('--') ? `unknown flag: ${word}` : `unknown shorthand flag: '${word[1] ?? ''}' in ${word}`;
}
