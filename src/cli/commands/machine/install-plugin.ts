// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { copyFile, lstat, mkdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { dockerConfigDirectory } from '../../../registry/index.ts';
import type { CommandContext } from '../../context.ts';
import { ExitCode } from '../../exit-codes.ts';
import { jsonText } from '../../json-text.ts';
import { PartialFailure } from '../../usage-error.ts';

export interface InstallPluginOptions {
  readonly dir?: string;
  readonly force?: boolean;
}

/** How this program is started: as one executable file, or by a runtime that reads the sources. */
export type RunningProgram =
  | { readonly kind: 'executable'; readonly path: string }
  | { readonly kind: 'sources'; readonly runtime: string; readonly entry: string };

/** A line of the launcher, by which a later run knows it for ours. */
const MARK = '# made by hallmark install-plugin';
const EXECUTABLE = 0o755;

/**
 * `hallmark install-plugin`: makes `docker trust` of this program, by an executable `docker-trust` where Docker looks for
 * plugins. A file there that is not of our making is left alone.
 * @throws PartialFailure
 */
export async function installPlugin(
  { io, globals }: CommandContext,
  options: InstallPluginOptions,
  program: RunningProgram = runningProgram(),
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  const directory = resolve(io.cwd ?? process.cwd(), options.dir ?? join(dockerConfigDirectory(io.env), 'cli-plugins'));
  const path = join(directory, platform === 'win32' ? 'docker-trust.exe' : 'docker-trust');
  if (options.force !== true && !(await isOurs(path, program))) {
    throw new PartialFailure(
      `${path} is there already and was not made by hallmark: give --force to replace it`,
      ExitCode.failed,
    );
  }
  await mkdir(directory, { recursive: true });
  const target = await place(path, program, platform);
  if (globals.json) io.stdout.write(jsonText({ path, program: target }));
  else io.stdout.write(`Installed ${path}: it runs ${target}\n`);
  io.stderr.write(
    'Docker 29 and newer call it as docker trust. Docker 28 and older have a docker trust of their own: there, call docker-trust\n',
  );
}

/** Compiled, the entry lies in a file system inside of the executable. */
function runningProgram(): RunningProgram {
  const isCompiled = /^(?:\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/.test(Bun.main);
  return isCompiled
    ? { kind: 'executable', path: process.execPath }
    : { kind: 'sources', runtime: process.execPath, entry: resolve(import.meta.dir, '../../../../bin/hallmark.ts') };
}

/** Nothing, or what an earlier run made: a link to a hallmark, a copy of this one, or a launcher. */
async function isOurs(path: string, program: RunningProgram): Promise<boolean> {
  const entry = await lstat(path).catch(() => undefined);
  if (entry === undefined) return true;
  if (entry.isSymbolicLink()) {
    const target = resolve(path, '..', await readlink(path));
    return /^hallmark(?:\.exe)?$/.test(basename(target)) || (program.kind === 'executable' && target === program.path);
  }
  if (!entry.isFile()) return false;
  const content = await readFile(path);
  if (content.includes(MARK)) return true;
  return program.kind === 'executable' && content.equals(await readFile(program.path).catch(() => Buffer.of()));
}

/** Whole or not at all: somebody may be running the old one. @returns what the plugin runs */
async function place(path: string, program: RunningProgram, platform: NodeJS.Platform): Promise<string> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    if (program.kind === 'sources') await writeFile(temporary, launcher(program), { mode: EXECUTABLE });
    else if (platform === 'win32') await copyFile(program.path, temporary);
    else await symlink(program.path, temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return program.kind === 'sources' ? program.entry : program.path;
}

/** S35: Docker runs it wherever its user is, and the runtime would take variables and code from there. */
const SEALED = '--no-env-file --config=/dev/null';

function launcher({ runtime, entry }: { readonly runtime: string; readonly entry: string }): string {
  return `#!/bin/sh\n${MARK}\nexec ${quoted(runtime)} ${SEALED} ${quoted(entry)} docker-trust "$@"\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
