// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { CampaignReport } from './campaign.ts';

/** Names of all scenarios. Their sources are not read here, where the file system works. */
export function faultScenarios(): Promise<readonly string[]> {
  return campaign('--list');
}

/** Runs the campaign of one scenario in a process of its own, whose file system fails. */
export function runFaults(scenario: string, how: 'failing' | 'killed' = 'failing'): Promise<CampaignReport> {
  return campaign(scenario, ...(how === 'killed' ? ['--kill'] : []));
}

async function campaign<Answer>(...argv: readonly string[]): Promise<Answer> {
  const command = [process.execPath, join(import.meta.dir, 'campaign.ts'), ...argv];
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  return JSON.parse(stdout);
}
