// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure, Row } from '../row.ts';
import { DatabaseServers } from '../support/databases.ts';
import { copyRepository } from '../support/filling.ts';
import { startProduction } from '../support/production.ts';
import { benchGun, PreparedRepository } from '../support/publishing.ts';
import { type RunningServer, residentMebibytes, type ServerPair } from '../support/servers.ts';
import { inTurns } from '../support/timing.ts';
import type { Workspace } from '../support/workspace.ts';
import { load } from '../support/wrk.ts';

/** What a server's process holds in memory, idle and after it has served very many repositories. */
export const memory: Row = {
  name: 'memory',
  title: 'Server memory: resident set of the server process, MariaDB and a signing service behind each',
  needs: ['notary-server', 'notary-signer', 'mariadb', 'postgres', 'wrk'],
  async measure(workspace, effort) {
    const pair = await startProduction(workspace, await DatabaseServers.start(workspace));
    const idle = residentOf(pair);
    for (const side of ['hallmark', 'original'] as const)
      await fill(pair[side], pair.databases[side], effort.repositories);
    const script = writeScript(workspace, effort.repositories);
    const serve = (server: RunningServer) => () => load(server.url, 2 * effort.wrkSeconds, { script });
    await inTurns(1, serve(pair.hallmark), serve(pair.original));
    const figure = (what: string, resident: { hallmark: number; original: number }, goal: string): Figure => ({
      what,
      unit: 'MiB',
      ...resident,
      goal,
    });
    return [
      figure('idle', idle, '≤ 80 MB'),
      figure(`under load with ${effort.repositories} repositories`, residentOf(pair), '≤ 200 MB'),
    ];
  },
};

async function fill(
  server: RunningServer,
  address: Parameters<typeof copyRepository>[0],
  count: number,
): Promise<void> {
  const template = benchGun('template');
  await PreparedRepository.publish(server, template);
  const roles = ['root', 'snapshot', 'timestamp'];
  await copyRepository(address, { template, roles, prefix: benchGun('many'), from: 0, to: count, ownHashes: false });
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
