// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

export const projectRoot = join(import.meta.dir, '..', '..');

/** For the few tests that are likely to notice a mutant, which may never end; and for all of them, on a busy machine. */
const LIKELY_MILLISECONDS = 60_000;
const ALL_MILLISECONDS = 300_000;
const MANY_FILES = 12;
/** Their samples are drawn anew each time: a mutant that they alone notice is noticed by no named test. */
const DRAWN_BY_LOT = ['src/tuf/mutated-metadata.test.ts', 'src/client/updater-model.test.ts'];

/** What the tests said of a tree: `undefined` where all of them passed. */
export type Killer = string | undefined;

/** Every file below folders of the project whose name ends so, as paths from its root. */
export function filesBelow(folders: readonly string[], ending: string): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith(ending))
      .map((file) => join(folder, file))
      .sort(),
  );
}

/** The tests that may notice a mutant of `src/tuf` or `src/client`. */
export function testFiles(): readonly string[] {
  const vectors = filesBelow(['test/unit'], '.test.ts').filter((file) => basename(file).startsWith('vectors-'));
  return [...filesBelow(['src/tuf', 'src/client'], '.test.ts'), ...vectors].filter(
    (file) => !DRAWN_BY_LOT.includes(file),
  );
}

/** The tests that stand beside a source file, or in its name. */
export function testsBeside(file: string, tests: readonly string[]): readonly string[] {
  const stem = basename(file, '.ts');
  return tests.filter((test) => dirname(test) === dirname(file) && basename(test).startsWith(stem));
}

/** A copy of the project in which sources may be changed; its checkout stays as it is. */
export class Tree {
  readonly directory = mkdtempSync(join(tmpdir(), 'hallmark-mutants-'));

  constructor() {
    for (const name of ['src', 'test', 'bin', 'package.json', 'tsconfig.json'])
      cpSync(join(projectRoot, name), join(this.directory, name), { recursive: true });
    symlinkSync(join(projectRoot, 'node_modules'), join(this.directory, 'node_modules'));
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.directory, file), text);
  }

  /** The name of a test that fails, and the file that it stands in. */
  async test(files: readonly string[]): Promise<Killer> {
    if (files.length === 0) return undefined;
    const argv = [process.execPath, 'test', '--bail=1', '--timeout=30000', ...files.map((file) => `./${file}`)];
    // a run that breaks off at its first failure tidies nothing up
    const scratch = mkdtempSync(join(this.directory, 'tmp-'));
    const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', TMPDIR: scratch };
    const child = Bun.spawn(argv, { cwd: this.directory, env, stdout: 'ignore', stderr: 'pipe', detached: true });
    const patience = files.length < MANY_FILES ? LIKELY_MILLISECONDS : ALL_MILLISECONDS;
    const timer = setTimeout(() => endGroup(child.pid), patience);
    const output = await new Response(child.stderr).text();
    const status = await child.exited;
    clearTimeout(timer);
    endGroup(child.pid);
    rmSync(scratch, { recursive: true, force: true });
    return status === 0 ? undefined : killerOf(output);
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Tests start programs, and a mutant of theirs may never end either. */
function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function killerOf(output: string): string {
  let file = '';
  for (const line of output.split('\n')) {
    const heading = /^(\S+\.test\.ts):$/.exec(line);
    if (heading !== null) file = heading[1] as string;
    const failed = /^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/.exec(line);
    if (failed !== null) return `${file} "${failed[1]}"`;
  }
  const error = output.split('\n').find((line) => line.startsWith('error:'));
  return `${file} breaks off${error === undefined ? ', or never ends' : `: ${error}`}`;
}
