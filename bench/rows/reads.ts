// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { metadataUrl } from '../../src/client/index.ts';
import { type Gun, notaryV1, SNAPSHOT, TARGETS, TIMESTAMP } from '../../src/tuf/index.ts';
import type { Effort, Figure, Row } from '../row.ts';
import { DatabaseServers } from '../support/databases.ts';
import { startProduction } from '../support/production.ts';
import { repositoryRoot } from '../support/programs.ts';
import { benchGun, publishTags } from '../support/publishing.ts';
import { processorSeconds, type RunningServer, running } from '../support/servers.ts';
import { inTurns, median } from '../support/timing.ts';
import { freePort, type Workspace } from '../support/workspace.ts';
import { type Load, load } from '../support/wrk.ts';

const TAGS = 10;

/** A file that a server is asked for, and how long it is. */
interface Wanted {
  readonly what: string;
  readonly url: string;
  readonly bodyBytes: number;
  readonly pid: number;
}

/** What clients ask of a server, as fast as it answers. */
export const reads: Row = {
  name: 'reads',
  title: `Server reads: TLS, warm, MariaDB and a signing service behind each, wrk with 2 threads and 16 connections, a repository of ${TAGS} tags`,
  needs: ['notary-server', 'notary-signer', 'mariadb', 'postgres', 'wrk'],
  async measure(workspace, effort) {
    const servers = await startProduction(workspace, await DatabaseServers.start(workspace));
    const gun = benchGun('reads');
    const [ours, theirs] = [await wantedOf(servers.hallmark, gun), await wantedOf(servers.original, gun)];
    const bare = await startBare(workspace, servers.hallmark, ours[0]);
    const figures: Figure[] = [];
    for (const [index, wanted] of ours.entries()) figures.push(...(await compare(wanted, theirs[index], effort)));
    return [...figures, ...(await compare(bare, undefined, effort))];
  },
};

/**
 * The three files of a client's update: as a client names them, and what is current without its hash, as the goal was measured
 * once. A client has verified them.
 */
async function wantedOf(server: RunningServer, gun: Gun): Promise<readonly [Wanted, ...Wanted[]]> {
  const { targets } = await (await publishTags(server, gun, TAGS)).refresh();
  const snapshot = targets.snapshot.timestamp.signed.snapshot;
  const pinned = targets.snapshot.signed.meta.get(TARGETS);
  if (pinned === undefined) throw new Error('the snapshot does not list targets');
  const wanted = async (what: string, file: string): Promise<Wanted> => {
    const url = metadataUrl(server.url, gun, file);
    const body = await (await server.fetch(url, {})).arrayBuffer();
    return { what, url, bodyBytes: body.byteLength, pid: server.pid };
  };
  return [
    await wanted('`timestamp.json`', notaryV1.fileName(TIMESTAMP)),
    await wanted('`snapshot.<hash>.json`', notaryV1.fileName(SNAPSHOT, snapshot)),
    await wanted('`targets.<hash>.json`', notaryV1.fileName(TARGETS, pinned)),
    await wanted('`snapshot.json`', notaryV1.fileName(SNAPSHOT)),
    await wanted('`targets.json`', notaryV1.fileName(TARGETS)),
  ];
}

/** The runtime's HTTP server alone, which answers with the same bytes: nothing written for it can be faster. */
async function startBare(workspace: Workspace, server: RunningServer, wanted: Wanted): Promise<Wanted> {
  const directory = workspace.makeDirectory('bare');
  const [body, headers] = [join(directory, 'body'), join(directory, 'headers.json')];
  const answer = await server.fetch(wanted.url, {});
  const kept = ['content-type', 'last-modified', 'cache-control'].map((name) => [name, answer.headers.get(name) ?? '']);
  writeFileSync(headers, JSON.stringify(Object.fromEntries(kept)));
  writeFileSync(body, Buffer.from(await answer.arrayBuffer()));
  const certificates = dirname(server.caFile);
  const [cert, key] = [join(certificates, 'server.crt'), join(certificates, 'server.key')];
  const port = freePort();
  const program = join(repositoryRoot, 'bench/support/bare-server.ts');
  const argv = [process.execPath, program, String(port), cert, key, body, headers];
  const pid = await workspace.start(argv, port, directory);
  const path = new URL(wanted.url).pathname;
  return {
    ...wanted,
    what: `the bytes of ${wanted.what} from a bare \`Bun.serve\``,
    url: running(port, server.caFile, pid).url + path,
    pid,
  };
}

interface Turn extends Load {
  /** Of the server's processor time for one request. */
  readonly microseconds: number;
}

async function turn({ url, bodyBytes, pid }: Wanted, seconds: number): Promise<Turn> {
  const before = processorSeconds(pid);
  const result = await load(url, seconds, { bodyBytes });
  return { ...result, microseconds: ((processorSeconds(pid) - before) / result.requests) * 1_000_000 };
}

async function compare(
  ours: Wanted,
  theirs: Wanted | undefined,
  { rounds, wrkSeconds }: Effort,
): Promise<readonly Figure[]> {
  const turns = (seconds: number) =>
    [() => turn(ours, seconds), async () => (theirs === undefined ? undefined : turn(theirs, seconds))] as const;
  await inTurns(1, ...turns(1));
  const { a, b } = await inTurns<Turn | undefined>(rounds, ...turns(wrkSeconds));
  const figure = (what: string, unit: Figure['unit'], of: (turn: Turn) => number, goal?: string): Figure => {
    const [hallmark, original] = [a, b].map((side) => side.flatMap((one) => (one === undefined ? [] : [of(one)])));
    return {
      what,
      unit,
      hallmark: median(hallmark ?? []),
      ...(theirs === undefined ? {} : { original: median(original ?? []) }),
      ...(theirs === undefined || goal === undefined ? {} : { goal }),
    };
  };
  return [
    figure(ours.what, 'req/s', ({ requestsPerSecond }) => requestsPerSecond, '≥ 10 ×'),
    figure(`${ours.what}, p99`, 'ms', ({ p99 }) => p99, '< 1 ×'),
    figure(`${ours.what}, the server's processor time`, 'µs/req', ({ microseconds }) => microseconds),
  ];
}
