// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { CampaignReport } from './campaign.ts';

/** Runs the campaign of one scenario in a process of its own, whose file system fails. */
export async function runFaults(scenario: string, how: 'failing' | 'killed' = 'failing'): Promise<CampaignReport> {
  const argv = [
    process.execPath,
    join(import.meta.dir, 'campaign.ts'),
    scenario,
    ...(how === 'killed' ? ['--kill'] : []),
  ];
  const child = Bun.spawn(argv, { stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(`${scenario}: ${stderr}`);
  return JSON.parse(stdout);
}
