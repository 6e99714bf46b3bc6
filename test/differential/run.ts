// SPDX-License-Identifier: Apache-2.0
/** `npm run test:differential -- [--count N] [--seed S]`: our client against the original one, on the same files. */
import { parseArgs } from 'node:util';
import { freshSeed } from '../support/random.ts';
import { runCampaign } from './campaign.ts';
import { render } from './report.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const options = {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    verbose: { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ args: [...argv], options });
  const seed = values.seed === undefined ? freshSeed() : Number(values.seed);
  process.stdout.write(`seed ${seed}\n`);
  const report = await runCampaign({ seed, count: Number(values.count), jobs: Number(values.jobs) });
  const { text, sound } = render(report, values.verbose);
  process.stdout.write(text);
  return sound ? 0 : 1;
}
