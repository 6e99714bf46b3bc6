// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { parseGun } from '../../src/tuf/index.ts';
import { cleanEnvironment, hallmarkProgram, repositoryRoot } from '../interop/support/programs.ts';
import { Stage } from '../interop/support/stage.ts';
import { freePort } from '../support/free-port.ts';
import { Random } from '../support/random.ts';
import { chosenCount, chosenSeed } from './support/chosen.ts';
import { Cluster } from './support/cluster.ts';
import { readHistory } from './support/history.ts';
import { ChaosPublisher, newKeys, newRecord } from './support/publishers.ts';
import { readUntil } from './support/readers.ts';
import { Replica } from './support/replica.ts';

const PUBLISHERS = 6;
const CLIENTS = 2;

test('property 1: one process on sqlite, killed during writes hundreds of times, loses no acknowledged publish', async () => {
  const kills = chosenCount('HALLMARK_CHAOS_KILLS', 200);
  const dice = new Random(chosenSeed());
  const stage = new Stage();
  const data = stage.makeDirectory('data');
  const port = await freePort();
  const replica = new Replica({
    name: 'hallmark up',
    argv: [...hallmarkProgram(), 'up', '--data', data, '--listen', `127.0.0.1:${port}`],
    env: cleanEnvironment({ HOME: stage.makeDirectory('home') }),
    cwd: repositoryRoot,
    port,
  });
  try {
    await replica.start();
    const cluster = new Cluster([replica], join(data, 'ca.crt'), dice);
    const [shared, own] = [
      newRecord(parseGun('chaos.example.com/shared')),
      newRecord(parseGun('chaos.example.com/own')),
    ];
    const sharedKeys = newKeys();
    const publishers = [
      ...Array.from({ length: PUBLISHERS - 1 }, (_, at) => new ChaosPublisher(`s${at}`, shared, sharedKeys, cluster)),
      new ChaosPublisher('own', own, newKeys(), cluster),
    ];
    // each repository is made before the first kill: what is killed is the life of it
    expect([await publishers[0]?.publish(), await publishers.at(-1)?.publish()]).toEqual([true, true]);

    let done = false;
    const publishing = publishers.map(async (publisher) => {
      while (!done) if (!(await publisher.publish())) await Bun.sleep(5);
    });
    const reading = readUntil(() => done, { cluster, guns: [shared.gun, own.gun], clients: CLIENTS, dice });
    let duringWrites = 0;
    for (let kill = 0; kill < kills; kill++) {
      await Bun.sleep(dice.between(20, 250));
      if (cluster.writing > 0) duringWrites++;
      await replica.kill();
      await replica.start();
    }
    done = true;
    await Promise.all(publishing);
    const reads = await reading;

    const server = { url: cluster.url, fetch: cluster.fetch };
    const histories = [await readHistory(server, shared), await readHistory(server, own)];
    const sum = (count: (record: typeof shared) => number) => count(shared) + count(own);
    process.stderr.write(
      `chaos on sqlite: ${kills} kills, ${duringWrites} of them during a publish; publishes: ${sum((r) => r.acknowledged.size)} acknowledged, ` +
        `${sum((r) => r.refused.size)} refused, ${sum((r) => r.unknown.size)} without an answer; ` +
        `targets versions ${histories.map((h) => h.targets).join(' and ')}; client updates: ${reads.verified} verified, ${reads.unavailable} without a server\n`,
    );
    expect(histories.flatMap(({ faults }) => faults)).toEqual([]);
    expect(reads.violations).toEqual([]);
    expect(await replica.stop()).toBe(0);
  } finally {
    await replica.kill();
    await stage.close();
  }
});
