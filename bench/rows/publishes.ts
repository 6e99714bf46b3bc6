// SPDX-License-Identifier: Apache-2.0
import type { Effort, Figure, Row } from '../row.ts';
import { DatabaseServers } from '../support/databases.ts';
import { startProduction } from '../support/production.ts';
import { benchGun, PreparedRepository, personOf, targetOf } from '../support/publishing.ts';
import type { RunningServer, ServerPair } from '../support/servers.ts';
import { inTurns, median, timed } from '../support/timing.ts';

const CROWD = 8;

/** Makes `publishers` ready, and gives back what sends `count` publishes and ends when all are acknowledged. */
type Prepare = (server: RunningServer, publishers: number, count: number) => Promise<() => Promise<void>>;

/** Publishes that a server acknowledges: each verified, with a new snapshot and timestamp signed by the server. */
export const publishes: Row = {
  name: 'publishes',
  title: 'Publishes: new targets, with snapshot and timestamp signed by a signing service; MariaDB behind each',
  needs: ['notary-server', 'notary-signer', 'mariadb', 'postgres'],
  async measure(workspace, effort) {
    return compareAll(await startProduction(workspace, await DatabaseServers.start(workspace)), effort);
  },
};

async function compareAll(servers: ServerPair, effort: Effort): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const publishers of [1, CROWD]) {
    const who = publishers === 1 ? 'one publisher' : `${publishers} publishers at once`;
    const measure = (what: string, prepare: Prepare) =>
      compare(`${what}, ${who}`, prepare, servers, publishers, effort);
    figures.push(await measure('server alone (signed beforehand)', signedBeforehand));
    figures.push(await measure("with the library's Publisher", withPublisher));
  }
  return figures;
}

async function compare(
  what: string,
  prepare: Prepare,
  servers: ServerPair,
  publishers: number,
  { rounds, publishes: count }: Effort,
): Promise<Figure> {
  const rateOf = async (server: RunningServer, all: number) => {
    const send = await prepare(server, publishers, all);
    return all / ((await timed(send)) / 1000);
  };
  const turn = (all: number) => [() => rateOf(servers.hallmark, all), () => rateOf(servers.original, all)] as const;
  await inTurns(1, ...turn(CROWD * 2));
  const { a, b } = await inTurns(rounds, ...turn(count));
  return {
    what,
    unit: 'publishes/s',
    hallmark: median(a),
    original: median(b),
    goal: '≥ 3 ×',
  };
}

let repositories = 0;
const nextGun = () => benchGun(`publishes-${++repositories}`);

/** What the server can do: nothing is signed, fetched or verified on this side while the clock runs. */
const signedBeforehand: Prepare = async (server, publishers, count) => {
  const queues = await oneByOne(publishers, async () => {
    const repository = await PreparedRepository.publish(server, nextGun());
    return { repository, uploads: repository.sign(count / publishers) };
  });
  return async () => {
    await Promise.all(
      queues.map(async ({ repository, uploads }) => {
        for (const upload of uploads) await repository.send(upload);
      }),
    );
  };
};

/** What a publisher sees: refresh, edit, sign, verify, send, refresh. All publishers share this process. */
const withPublisher: Prepare = async (server, publishers, count) => {
  const people = await oneByOne(publishers, async () => {
    const { publisher } = personOf(server, nextGun());
    await publisher.sign('latest', targetOf('first'));
    return publisher;
  });
  return async () => {
    await Promise.all(
      people.map(async (publisher) => {
        for (let index = 0; index < count / publishers; index++) await publisher.sign('latest', targetOf(`${index}`));
      }),
    );
  };
};

/** notary-server's `local` trust service crashes when two repositories get their keys at once. */
async function oneByOne<T>(count: number, make: () => Promise<T>): Promise<readonly T[]> {
  const made: T[] = [];
  while (made.length < count) made.push(await make());
  return made;
}
