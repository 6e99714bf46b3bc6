// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { constants as system } from 'node:os';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { UsageError } from '../usage-error.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How often a docker may call itself this program again, by whatever scripts lie between, before it is called a circle. */
const MAX_DEPTH = 5;
const DEPTH = 'HALLMARK_DOCKER_DEPTH';

/**
 * The docker CLI behind this program: `HALLMARK_DOCKER`, else the next in PATH that is not this program. Directories that
 * depend on where one stands are passed over (S35).
 * @throws UsageError if there is none, or if it is another program that would not use the engine it is given
 */
export function realDocker(env: Environment): string {
  const own = new Set([process.execPath, process.argv[1] ?? ''].map(realPath));
  const chosen = env.HALLMARK_DOCKER || undefined;
  if (chosen !== undefined && !isAbsolute(chosen)) throw new UsageError('HALLMARK_DOCKER has to be an absolute path');
  const places = (env.PATH ?? '').split(delimiter).filter(isAbsolute);
  const candidates = chosen === undefined ? places.map((place) => join(place, 'docker')) : [chosen];
  const found = candidates.find((path) => isProgram(path) && !own.has(realPath(path)));
  if (found === undefined)
    throw new UsageError(
      chosen === undefined
        ? 'no docker in PATH but this program: name it with HALLMARK_DOCKER'
        : `HALLMARK_DOCKER: ${chosen} is no docker`,
    );
  if (isPodman(found))
    throw new UsageError(`${found} is podman, which takes no engine from DOCKER_HOST: it would not be held back`);
  if (Number(env[DEPTH] ?? 0) >= MAX_DEPTH)
    throw new UsageError(`${found} leads back to this program: name the real one with HALLMARK_DOCKER`);
  return found;
}

/**
 * Runs it with this program's own standard streams and hands on the signals that this program is sent.
 * @returns its exit code, as a shell has it
 */
export function runDocker(program: string, argv: readonly string[], env: Environment): Promise<number> {
  const inherited = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
  const depth = { [DEPTH]: String(Number(env[DEPTH] ?? 0) + 1) };
  return new Promise((resolve, reject) => {
    let child: ChildProcess | undefined;
    const forward = (signal: NodeJS.Signals): void => {
      // what is typed, the terminal has told the child itself
      if (!TYPED.has(signal) || !hasTerminal()) child?.kill(signal);
    };
    // first of all: a signal that comes meanwhile must not end this program and leave the other
    for (const signal of FORWARDED) process.on(signal, forward);
    child = spawn(program, [...argv], { stdio: 'inherit', env: { ...inherited, ...depth } });
    const end = (): void => {
      for (const signal of FORWARDED) process.off(signal, forward);
    };
    child.on('error', (error) => {
      end();
      reject(new UsageError(`${program} cannot be run: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      end();
      resolve(code ?? 128 + (signal === null ? 0 : system.signals[signal]));
    });
  });
}

const TYPED: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGHUP']);
const FORWARDED: readonly NodeJS.Signals[] = [...TYPED, 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];

function hasTerminal(): boolean {
  return process.stdout.isTTY === true || process.stderr.isTTY === true;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Distributions have a docker that is a script around podman. */
function isPodman(path: string): boolean {
  if (/^podman/.test(basename(realPath(path)))) return true;
  const { size } = statSync(path);
  if (size > 4096) return false;
  const text = readFileSync(path, 'latin1');
  return text.startsWith('#!') && /\bpodman\b/.test(text);
}
