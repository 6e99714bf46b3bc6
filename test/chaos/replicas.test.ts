// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { openMetadataStorage } from '../../src/server/index.ts';
import { parseGun } from '../../src/tuf/index.ts';
import { Stage } from '../interop/support/stage.ts';
import { scratchDatabases } from '../support/databases.ts';
import { Random } from '../support/random.ts';
import { chosenCount, chosenSeed } from './support/chosen.ts';
import { Cluster } from './support/cluster.ts';
import { readHistory } from './support/history.ts';
import { ChaosPublisher, newKeys, newRecord, type Record } from './support/publishers.ts';
import { readUntil } from './support/readers.ts';
import { checkRecords } from './support/records.ts';
import type { Replica } from './support/replica.ts';
import { prepareServices } from './support/services.ts';

const SERVERS = 3;
const SIGNERS = 2;
const SHARED = 5;
const PUBLISHERS_OF_A_SHARED_ONE = 3;
const OWN = 15;
const CLIENTS = 3;

const scratch = scratchDatabases('postgres');

/** Repositories with their publishers: some shared, each of the others its publisher's own; 30 publishers in all. */
function makePublishers(cluster: Cluster): { records: readonly Record[]; publishers: readonly ChaosPublisher[] } {
  const records: Record[] = [];
  const publishers: ChaosPublisher[] = [];
  for (let number = 0; number < SHARED + OWN; number++) {
    const isShared = number < SHARED;
    const record = newRecord(parseGun(`chaos.example.com/${isShared ? 'shared' : 'own'}-${number}`));
    const keys = newKeys();
    records.push(record);
    for (let who = 0; who < (isShared ? PUBLISHERS_OF_A_SHARED_ONE : 1); who++)
      publishers.push(new ChaosPublisher(`p${number}-${who}`, record, keys, cluster));
  }
  return { records, publishers };
}

/** Kills one process after the other where it stands, and starts it again over what it left. */
async function killAtRandom(
  replicas: readonly Replica[],
  kills: number,
  dice: Random,
  onKill: () => void,
): Promise<void> {
  for (let kill = 0; kill < kills; kill++) {
    await Bun.sleep(dice.between(100, 700));
    const victim = dice.pick(replicas.filter(({ isUp }) => isUp));
    onKill();
    await victim.kill();
    await Bun.sleep(dice.between(0, 200));
    await victim.start();
  }
}

test('property 1: three servers and two signers on one PostgreSQL, killed at random under 30 publishers, lose nothing and show nothing half', async () => {
  const kills = chosenCount('HALLMARK_CHAOS_KILLS', 60);
  const dice = new Random(chosenSeed());
  const stage = new Stage();
  const databases = { server: await scratch(), signer: await scratch() };
  const { servers, signers, caFile } = await prepareServices(stage, { servers: SERVERS, signers: SIGNERS, databases });
  const all = [...signers, ...servers];
  try {
    for (const replica of all) await replica.start();
    const cluster = new Cluster(servers, caFile, dice);
    const { records, publishers } = makePublishers(cluster);
    // the first publish of each repository, before the first kill
    const firsts = records.map(({ gun }) => publishers.find((publisher) => publisher.gun === gun));
    for (const publisher of firsts) {
      await publisher?.publish();
      expect(publisher?.failure).toBeUndefined();
    }

    let done = false;
    const publishing = publishers.map(async (publisher) => {
      while (!done) if (!(await publisher.publish())) await Bun.sleep(20);
    });
    const guns = records.map(({ gun }) => gun);
    const reading = readUntil(() => done, { cluster, guns, clients: CLIENTS, dice });
    let duringWrites = 0;
    await killAtRandom(all, kills, dice, () => {
      if (cluster.writing > 0) duringWrites++;
    });
    done = true;
    await Promise.all(publishing);
    const reads = await reading;

    const server = { url: cluster.url, fetch: cluster.fetch };
    const { storage, close } = await openMetadataStorage(databases.server);
    const faults: string[] = [];
    let versions = 0;
    for (const record of records) {
      const history = await readHistory(server, record);
      versions += history.targets;
      faults.push(...history.faults, ...(await checkRecords(storage, record.gun, history.timestamps)));
    }
    await close();
    const sum = (count: (record: Record) => number) => records.reduce((total, record) => total + count(record), 0);
    process.stderr.write(
      `chaos on PostgreSQL: ${SERVERS} servers, ${SIGNERS} signers, ${publishers.length} publishers, ${records.length} repositories; ` +
        `${kills} kills, ${duringWrites} of them during a publish; publishes: ${sum((r) => r.acknowledged.size)} acknowledged, ` +
        `${sum((r) => r.refused.size)} refused, ${sum((r) => r.unknown.size)} without an answer; ${versions} versions of targets; ` +
        `client updates: ${reads.verified} verified, ${reads.unavailable} without a server\n`,
    );
    expect(faults).toEqual([]);
    expect(reads.violations).toEqual([]);
    for (const replica of all.toReversed())
      expect({ name: replica.name, code: await replica.stop() }).toEqual({ name: replica.name, code: 0 });
  } finally {
    for (const replica of all) await replica.kill();
    await stage.close();
  }
});
