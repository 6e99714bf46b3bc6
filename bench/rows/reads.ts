// SPDX-License-Identifier: Apache-2.0
import { metadataUrl } from '../../src/client/index.ts';
import { type Gun, notaryV1, SNAPSHOT, TARGETS, TIMESTAMP } from '../../src/tuf/index.ts';
import type { Effort, Figure, Row } from '../row.ts';
import { DatabaseServers } from '../support/databases.ts';
import { startProduction } from '../support/production.ts';
import { benchGun, publishTags } from '../support/publishing.ts';
import type { RunningServer } from '../support/servers.ts';
import { inTurns, median } from '../support/timing.ts';
import { type Load, load } from '../support/wrk.ts';

const TAGS = 10;

/** What clients ask of a server, as fast as it answers. */
export const reads: Row = {
  name: 'reads',
  title: `Server reads: TLS, warm, MariaDB and a signing service behind each, wrk with 2 threads and 16 connections, a repository of ${TAGS} tags`,
  needs: ['notary-server', 'notary-signer', 'mariadb', 'postgres', 'wrk'],
  async measure(workspace, effort) {
    const servers = await startProduction(workspace, await DatabaseServers.start(workspace));
    const gun = benchGun('reads');
    const [ours, theirs] = [await urlsOf(servers.hallmark, gun), await urlsOf(servers.original, gun)];
    const figures: Figure[] = [];
    for (const [index, { what, url }] of ours.entries()) {
      figures.push(...(await compare(what, url, theirs[index]?.url ?? '', effort)));
    }
    return figures;
  },
};

/** The three files of a client's update, as a client names them. */
async function urlsOf(server: RunningServer, gun: Gun): Promise<readonly { what: string; url: string }[]> {
  const { targets } = await (await publishTags(server, gun, TAGS)).refresh();
  const snapshot = targets.snapshot.timestamp.signed.snapshot;
  const pinned = targets.snapshot.signed.meta.get(TARGETS);
  if (pinned === undefined) throw new Error('the snapshot does not list targets');
  return [
    { what: '`timestamp.json`', url: metadataUrl(server.url, gun, notaryV1.fileName(TIMESTAMP)) },
    { what: '`snapshot.<hash>.json`', url: metadataUrl(server.url, gun, notaryV1.fileName(SNAPSHOT, snapshot)) },
    { what: '`targets.<hash>.json`', url: metadataUrl(server.url, gun, notaryV1.fileName(TARGETS, pinned)) },
  ];
}

async function compare(
  what: string,
  ours: string,
  theirs: string,
  { rounds, wrkSeconds }: Effort,
): Promise<readonly Figure[]> {
  await inTurns(
    1,
    () => load(ours, 1),
    () => load(theirs, 1),
  );
  const { a, b } = await inTurns(
    rounds,
    () => load(ours, wrkSeconds),
    () => load(theirs, wrkSeconds),
  );
  const rate = (loads: readonly Load[]) => median(loads.map(({ requestsPerSecond }) => requestsPerSecond));
  const p99 = (loads: readonly Load[]) => median(loads.map((one) => one.p99));
  return [
    { what, unit: 'req/s', hallmark: rate(a), original: rate(b), goal: '≥ 10 ×' },
    { what: `${what}, p99`, unit: 'ms', hallmark: p99(a), original: p99(b), goal: '< 1 ×' },
  ];
}
