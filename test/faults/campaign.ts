// SPDX-License-Identifier: Apache-2.0
/**
 * Runs one scenario again and again, each time with the next of its writes failing, until it comes through untouched:
 * `bun test/faults/campaign.ts NAME [--kill]`, or `--list`. Prints one JSON line. With `--act`, the part that is killed.
 */

import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { arm, disarm, type FaultMode } from './faulty-fs.ts';
import './faulty-sqlite.ts';
import { type Ending, Harm, promised, type Scenario } from './scenario.ts';

export interface CampaignReport {
  readonly faults: number;
  /** The writes that were disturbed, in their order. */
  readonly struck: readonly string[];
  readonly harm: readonly string[];
}

const MAX_CALLS = 500;
/** In memory where there is such a place: what is tested is what is done when a sync fails, not the disk. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

// after the file system was replaced
const { SCENARIOS } = await import('./scenarios.ts');

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const options = {
    list: { type: 'boolean', default: false },
    kill: { type: 'boolean', default: false },
    act: { type: 'string' },
    call: { type: 'string' },
    mode: { type: 'string' },
  } as const;
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  if (values.list) {
    process.stdout.write(`${JSON.stringify(SCENARIOS.map(({ name }) => name))}\n`);
    return 0;
  }
  const scenario = SCENARIOS.find(({ name }) => name === positionals[0]);
  if (scenario === undefined) throw new Error(`no scenario ${positionals[0]}`);
  if (values.act !== undefined) return actAlone(scenario, values.act, Number(values.call), values.mode as FaultMode);
  const modes: readonly FaultMode[] = values.kill ? ['kill before', 'kill after'] : ['before', 'after', 'half'];
  const reports = await Promise.all(modes.map((mode) => (values.kill ? killed(scenario, mode) : undefined)));
  const rest: CampaignReport[] = [];
  if (!values.kill) for (const mode of modes) rest.push(await disturbed(scenario, mode));
  const all = [...reports.filter((report) => report !== undefined), ...rest];
  const report: CampaignReport = {
    faults: all.reduce((sum, { faults }) => sum + faults, 0),
    struck: all[0]?.struck ?? [],
    harm: all.flatMap(({ harm }) => harm),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  return 0;
}

/** Every call fails once, in this process. */
async function disturbed(scenario: Scenario, mode: FaultMode): Promise<CampaignReport> {
  const struck: string[] = [];
  const harm: string[] = [];
  for (let call = 1; call <= MAX_CALLS; call++) {
    const directory = await prepared(scenario);
    try {
      arm({ call, mode });
      let broken: Harm | undefined;
      const ended = await scenario.act(directory).then(
        () => 'done' as const,
        (error) => {
          if (error instanceof Harm) broken = error;
          return 'failed' as const;
        },
      );
      const hit = disarm();
      if (broken !== undefined) harm.push(`${mode} ${hit.struck ?? 'nothing'} (call ${call}): ${broken.message}`);
      const problem = await problemOf(scenario, directory, ended, mode !== 'after');
      if (problem !== undefined) harm.push(`${mode} ${hit.struck ?? 'nothing'} (call ${call}): ${problem}`);
      if (hit.struck === undefined) return { faults: call - 1, struck, harm };
      struck.push(hit.struck);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  throw new Error(`${scenario.name} never comes through`);
}

/** The process ends at every call once. */
async function killed(scenario: Scenario, mode: FaultMode): Promise<CampaignReport> {
  const harm: string[] = [];
  for (let call = 1; call <= MAX_CALLS; call++) {
    const directory = await prepared(scenario);
    try {
      const argv = [process.execPath, import.meta.path, scenario.name, '--act', directory, '--call', String(call)];
      const child = Bun.spawn([...argv, '--mode', mode], { stdout: 'ignore', stderr: 'pipe' });
      const done = (await child.exited) === 0;
      if (!done && child.signalCode !== 'SIGKILL') throw new Error(await new Response(child.stderr).text());
      ageLeftovers(directory);
      const problem = await problemOf(scenario, directory, done ? 'done' : 'killed', false);
      if (problem !== undefined) harm.push(`${mode} call ${call}: ${problem}`);
      if (done) return { faults: call - 1, struck: [], harm };
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  throw new Error(`${scenario.name} never comes through`);
}

async function actAlone(scenario: Scenario, directory: string, call: number, mode: FaultMode): Promise<number> {
  arm({ call, mode });
  await scenario.act(directory);
  disarm();
  return 0;
}

async function prepared(scenario: Scenario): Promise<string> {
  const directory = mkdtempSync(join(SCRATCH, 'hallmark-faults-'));
  await scenario.prepare(directory);
  return directory;
}

async function problemOf(scenario: Scenario, directory: string, ended: Ending, tidy: boolean) {
  try {
    if (tidy) promised(leftovers(directory).length === 0, `left behind: ${leftovers(directory).join(', ')}`);
    ageLeftovers(directory);
    await scenario.check(directory, ended);
    return undefined;
  } catch (error) {
    if (error instanceof Harm) return error.message;
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

function leftovers(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.tmp'));
}

/** A lock that a dead process left is taken over after a while; the while is not what is tested here. */
function ageLeftovers(directory: string): void {
  const long = new Date(Date.now() - 3_600_000);
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, file);
    if (file.endsWith('.lock') && existsSync(path)) utimesSync(path, long, long);
  }
}
