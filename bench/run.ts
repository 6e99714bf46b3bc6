// SPDX-License-Identifier: Apache-2.0
/** `npm run bench`: measures Hallmark beside the originals, prints the table and writes it to docs/performance.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import { type Effort, QUICK, type Row, WHOLE } from './row.ts';
import { engineProxy } from './rows/engine-proxy.ts';
import { gateway } from './rows/gateway.ts';
import { imageVerifier } from './rows/image-verifier.ts';
import { library } from './rows/library.ts';
import { memory } from './rows/memory.ts';
import { publishes } from './rows/publishes.ts';
import { reads } from './rows/reads.ts';
import { scale } from './rows/scale.ts';
import { start } from './rows/start.ts';
import { verify } from './rows/verify.ts';
import { missingPackages, repositoryRoot } from './support/programs.ts';
import { Workspace } from './support/workspace.ts';
import { type Outcome, replaceTable, report } from './table.ts';

const ROWS: readonly Row[] = [
  start,
  verify,
  reads,
  publishes,
  memory,
  scale,
  library,
  gateway,
  engineProxy,
  imageVerifier,
];
const DOCUMENT = join(repositoryRoot, 'docs/performance.md');

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const options = {
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ args: [...argv], options });
  const unknown = values.only?.find((name) => !ROWS.some((row) => row.name === name));
  if (unknown !== undefined) {
    talk(`no row ${unknown}; there are ${ROWS.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  if (!values['no-build']) await build();
  const rows = ROWS.filter(({ name }) => values.only?.includes(name) ?? true);
  const outcomes = await measureAll(rows, values.quick ? QUICK : WHOLE);
  const text = report(describeMachine(new Date()), outcomes);
  // a pipe may not have taken it when the process ends
  await Bun.write(Bun.stdout, `${text}\n`);
  // a part, or a hasty look, must not stand in the document beside a whole run
  if (values.quick || values.only !== undefined) return 0;
  writeFileSync(DOCUMENT, replaceTable(readFileSync(DOCUMENT, 'utf8'), text));
  talk('wrote docs/performance.md');
  return 0;
}

async function build(): Promise<void> {
  talk('building dist/hallmark');
  const argv = ['npm', 'run', '--silent', 'build'];
  const child = Bun.spawn(argv, { cwd: repositoryRoot, stdout: 'ignore', stderr: 'inherit' });
  if ((await child.exited) !== 0) throw new Error('the build failed');
}

async function measureAll(rows: readonly Row[], effort: Effort): Promise<readonly Outcome[]> {
  const workspace = new Workspace();
  // so that the workspace cleans up when the run is interrupted
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const outcomes: Outcome[] = [];
  try {
    for (const row of rows) outcomes.push(await measure(row, workspace, effort));
  } finally {
    await workspace.close();
  }
  return outcomes;
}

async function measure(row: Row, workspace: Workspace, effort: Effort): Promise<Outcome> {
  const missing = missingPackages(row.needs);
  if (missing.length > 0) {
    const leftOut = `needs apt-get install ${missing.join(' ')}`;
    talk(`${row.name}: ${leftOut}`);
    return { row, figures: [], leftOut };
  }
  talk(`${row.name}…`);
  const start = performance.now();
  try {
    return { row, figures: await row.measure(workspace, effort) };
  } finally {
    await workspace.stopAll();
    talk(`${row.name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
}

function talk(text: string): void {
  process.stderr.write(`${text}\n`);
}
