// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure, Row } from '../row.ts';
import { DatabaseServers } from '../support/databases.ts';
import { copyRepository } from '../support/filling.ts';
import { HALLMARK, startSide } from '../support/production.ts';
import { benchGun, PreparedRepository } from '../support/publishing.ts';
import { load } from '../support/wrk.ts';

/** How many repositories are read while there are ever more of them. */
const READ = 1000;

/** What a read costs against the number of repositories: of some that are in memory, and of any, which are not. */
export const scale: Row = {
  name: 'scale',
  title: `Reads of timestamps against the number of repositories, PostgreSQL: of ${READ} of them, and of any`,
  needs: ['mariadb', 'postgres', 'wrk'],
  async measure(workspace, effort) {
    const { server, database } = await startSide(
      workspace,
      await DatabaseServers.start(workspace),
      HALLMARK,
      'postgres',
    );
    const template = benchGun('template');
    await PreparedRepository.publish(server, template);
    const figures: Figure[] = [];
    let made = 0;
    for (const count of effort.scale) {
      const range = { from: made, to: count, ownHashes: true };
      const copies = { template, roles: ['snapshot', 'timestamp'], prefix: benchGun('scale'), ...range };
      await copyRepository(database, copies);
      made = count;
      for (const [what, among] of [
        [`${READ} of them`, READ],
        ['any of them', count],
      ] as const) {
        const path = join(workspace.makeDirectory('wrk'), 'scale.lua');
        writeFileSync(path, script(among));
        await load(server.url, 1, { script: path });
        const { requestsPerSecond, p99 } = await load(server.url, effort.wrkSeconds, { script: path });
        const name = `${count.toLocaleString('en')} repositories, ${what}`;
        figures.push(
          { what: name, unit: 'req/s', hallmark: requestsPerSecond },
          { what: `${name}, p99`, unit: 'ms', hallmark: p99 },
        );
      }
    }
    return figures;
  },
};

function script(count: number): string {
  const path = `"/v2/${benchGun('scale')}/" .. math.random(0, ${count - 1}) .. "/_trust/tuf/timestamp.json"`;
  return `function request()\n  return wrk.format("GET", ${path})\nend\n`;
}
