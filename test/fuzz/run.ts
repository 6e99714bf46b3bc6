// SPDX-License-Identifier: Apache-2.0
/** `npm run fuzz -- [--seconds N] [--target NAME] [--seed S] [--save]`: hostile bytes for everything that reads bytes. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freshSeed } from '../support/random.ts';
import { VECTORS } from '../support/vectors.ts';
import { type Finding, Fuzzer } from './engine.ts';
import { FUZZ_TARGETS } from './targets.ts';

/** Targets take turns of this many inputs, so that each gets its part of the time. */
const TURN = 50;

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const options = {
    seconds: { type: 'string', default: '30' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string' },
    save: { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ args: [...argv], options });
  const targets = FUZZ_TARGETS.filter(({ name }) => values.target?.some((part) => name.includes(part)) ?? true);
  if (targets.length === 0) {
    process.stdout.write(`no such target; there are ${FUZZ_TARGETS.map(({ name }) => name).join(', ')}\n`);
    return 2;
  }
  const seed = values.seed === undefined ? freshSeed() : Number(values.seed);
  process.stdout.write(`seed ${seed}\n`);
  const fuzzers = new Map(targets.map((target) => [target.name, new Fuzzer(target, seed)]));
  await takeTurns([...fuzzers.values()], Number(values.seconds) * 1000);
  const findings: Finding[] = [];
  for (const [name, { report }] of fuzzers) {
    const { executions, accepted } = report;
    process.stdout.write(`${name.padEnd(22)} ${String(executions).padStart(8)} inputs, ${accepted} read\n`);
    findings.push(...report.findings);
  }
  for (const finding of findings) show(finding, values.save);
  process.stdout.write(`${findings.length} findings\n`);
  return findings.length === 0 ? 0 : 1;
}

async function takeTurns(fuzzers: readonly Fuzzer[], milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  for (const fuzzer of fuzzers) await fuzzer.runCorpus();
  while (performance.now() < end) for (const fuzzer of fuzzers) await fuzzer.run(TURN);
}

function show({ target, what, input }: Finding, save: boolean): void {
  process.stdout.write(`${target}: ${what}\n    ${Buffer.from(input).toString('base64').slice(0, 2000)}\n`);
  if (!save) return;
  const folder = join(VECTORS, 'fuzz', target);
  mkdirSync(folder, { recursive: true });
  const name = createHash('sha256').update(input).digest('hex').slice(0, 16);
  writeFileSync(join(folder, name), input);
  process.stdout.write(`    saved as test/vectors/fuzz/${target}/${name}\n`);
}
