// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run test:mutants`: takes every check of `src/tuf` and `src/client` out alone, in a copy of the project, and sees
 * whether a named test fails. Exit code 0 only if none survives without a reason in survivors.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { API } from 'typescript/unstable/async';
import { type Mutation, mutated, mutationsOf } from './mutations.ts';
import { judge, readReasons } from './reasons.ts';
import { filesBelow, type Killer, projectRoot, Tree, testFiles, testsBeside } from './tree.ts';

const FOLDERS = ['src/tuf', 'src/client'];
const LATEST_KILLERS = 4;

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const options = {
    file: { type: 'string', multiple: true },
    jobs: { type: 'string', default: '2' },
    report: { type: 'string' },
  } as const;
  const { values } = parseArgs({ args: [...argv], options });
  const files = filesBelow(FOLDERS, '.ts')
    .filter((file) => !/\.(?:test|contract)\.ts$/.test(file))
    .filter((file) => values.file?.some((part) => file.includes(part)) ?? true);
  const mutations = await mutationsIn(files);
  process.stdout.write(`${mutations.length} mutants in ${files.length} files\n`);
  const outcomes = await tryAll(mutations, Number(values.jobs));
  if (values.report !== undefined) writeFileSync(values.report, reportOf(outcomes));
  const { text, sound } = judge(outcomes, readReasons(), files);
  process.stdout.write(text);
  return sound ? 0 : 1;
}

async function mutationsIn(files: readonly string[]): Promise<readonly Mutation[]> {
  const api = new API({ cwd: projectRoot });
  try {
    const config = join(projectRoot, 'tsconfig.json');
    const snapshot = await api.updateSnapshot({ openProjects: [config] });
    const program = snapshot.getProject(config)?.program;
    const found: Mutation[] = [];
    for (const file of files) {
      const source = await program?.getSourceFile(join(projectRoot, file));
      if (source === undefined) throw new Error(`${file} is no part of ${config}`);
      found.push(...mutationsOf(file, source));
    }
    return found;
  } finally {
    await api.close();
  }
}

export interface Outcome {
  readonly mutation: Mutation;
  readonly killer: Killer;
}

async function tryAll(mutations: readonly Mutation[], jobs: number): Promise<readonly Outcome[]> {
  const tests = testFiles();
  const left = [...mutations];
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    const tree = new Tree();
    try {
      const unwell = await tree.test(tests);
      if (unwell !== undefined) throw new Error(`the tests fail as it is: ${unwell}`);
      const killers: string[] = [];
      for (let mutation = left.shift(); mutation !== undefined; mutation = left.shift()) {
        const killer = await tryOne(tree, mutation, tests, killers);
        outcomes.push({ mutation, killer });
        if (killer === undefined) process.stdout.write(`survived  ${describe(mutation)}\n`);
        else remember(killers, killer, tests);
      }
    } finally {
      tree.close();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return outcomes;
}

/** The likely tests first: those beside the file, and those that killed its neighbours. */
async function tryOne(
  tree: Tree,
  mutation: Mutation,
  tests: readonly string[],
  killers: readonly string[],
): Promise<Killer> {
  const text = readFileSync(join(projectRoot, mutation.file), 'utf8');
  tree.write(mutation.file, mutated(text, mutation));
  try {
    const likely = [...new Set([...testsBeside(mutation.file, tests), ...killers])];
    return (await tree.test(likely)) ?? (await tree.test(tests.filter((test) => !likely.includes(test))));
  } finally {
    tree.write(mutation.file, text);
  }
}

function remember(killers: string[], killer: string, tests: readonly string[]): void {
  const file = killer.split(' ')[0] as string;
  if (!tests.includes(file)) return;
  killers.splice(0, killers.length, file, ...killers.filter((other) => other !== file).slice(0, LATEST_KILLERS - 1));
}

export function describe({ file, line, name }: Mutation): string {
  return `${file}:${line}  ${name}`;
}

function reportOf(outcomes: readonly Outcome[]): string {
  const lines = outcomes.map(({ mutation, killer }) => `${describe(mutation)}\n    ${killer ?? 'SURVIVED'}\n`);
  return lines.sort().join('');
}
