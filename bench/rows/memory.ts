// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Effort, Figure, Row } from '../row.ts';
import { benchGun, PreparedRepository } from '../support/publishing.ts';
import { type RunningServer, type ServerPair, startBoth } from '../support/servers.ts';
import { inTurns } from '../support/timing.ts';
import type { Workspace } from '../support/workspace.ts';
import { load } from '../support/wrk.ts';

/** New repositories that Hallmark is sent at once. */
const AT_ONCE = 4;
const BATCH = 100;

/** What a server holds in memory, idle and after it published and served many repositories. */
export const memory: Row = {
  name: 'memory',
  title: 'Server memory: resident set of the process, `hallmark up` on sqlite, notary-server with everything in memory',
  needs: ['notary-server', 'wrk'],
  async measure(workspace, effort) {
    const servers = await startBoth(workspace);
    const idle = residentOf(servers);
    const count = await fill(servers, effort);
    const filled = residentOf(servers);
    const script = writeScript(workspace, count);
    const serve = (server: RunningServer) => () => load(server.url, effort.wrkSeconds, script);
    await inTurns(1, serve(servers.hallmark), serve(servers.original));
    const figure = (what: string, resident: { hallmark: number; original: number }, goal: string): Figure => ({
      what,
      unit: 'MiB',
      ...resident,
      goal,
    });
    return [
      figure('idle', idle, '≤ 80 MB'),
      figure(`after publishing ${count} repositories`, filled, '≤ 200 MB'),
      figure(`after serving ${count} repositories`, residentOf(servers), '≤ 200 MB'),
    ];
  },
};

/** Publishes the same number of repositories to both, batch by batch, until there are enough or the time is up. */
async function fill(servers: ServerPair, { repositories, fillMilliseconds }: Effort): Promise<number> {
  const deadline = performance.now() + fillMilliseconds;
  let count = 0;
  do {
    const first = count;
    const lanes = [publishBatch(servers.hallmark, first, AT_ONCE), publishBatch(servers.original, first, 1)];
    await Promise.all(lanes);
    count += BATCH;
  } while (count < repositories && performance.now() < deadline);
  return count;
}

/** notary-server takes them one by one: its `local` trust service crashes when two keys are made at once. */
async function publishBatch(server: RunningServer, first: number, atOnce: number): Promise<void> {
  const numbers = Array.from({ length: BATCH }, (_, index) => first + index).values();
  const lane = async () => {
    for (const number of numbers) await PreparedRepository.publish(server, benchGun(`many/${number}`));
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** Makes wrk ask for the timestamps and roots of all repositories in turn. */
function writeScript(workspace: Workspace, count: number): string {
  const path = join(workspace.makeDirectory('wrk'), 'all-repositories.lua');
  const lines = [
    'local number = 0',
    'function request()',
    '  number = number + 1',
    `  local file = number % 2 == 0 and "timestamp" or "root"`,
    `  local repository = math.floor(number / 2) % ${count}`,
    `  return wrk.format("GET", "/v2/${benchGun('many')}/" .. repository .. "/_trust/tuf/" .. file .. ".json")`,
    'end',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

function residentOf({ hallmark, original }: ServerPair): { hallmark: number; original: number } {
  return { hallmark: residentMebibytes(hallmark.pid), original: residentMebibytes(original.pid) };
}

function residentMebibytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`no memory size of process ${pid}`);
  return Number(kibibytes) / 1024;
}
