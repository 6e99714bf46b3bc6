// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import type { Kysely } from 'kysely';
import type { MetadataStorage } from '../../src/server/index.ts';
import type { ServiceKeys } from '../../src/signing/service-keys/index.ts';
import { keyId, parseGun, TIMESTAMP, type Version } from '../../src/tuf/index.ts';
import { TestClient, versionsOf } from '../support/client.ts';
import type { RepositoryBuilder } from '../support/repository-builder.ts';
import { TrustStage } from '../support/trust-stage.ts';
import { FaultyDatabase, type StatementFault } from './faulty-database.ts';

const MAX_STATEMENTS = 200;

interface Opened<Part> {
  // biome-ignore lint/suspicious/noExplicitAny: whatever tables there are
  readonly database: Kysely<any>;
  readonly part: Part;
}

/** Every statement of `work` fails once, in both ways; `look` sees what is left of it. How many there were. */
async function disturb(
  database: FaultyDatabase,
  work: () => Promise<boolean>,
  look: (mode: StatementFault, done: boolean) => Promise<void>,
): Promise<number> {
  let faults = 0;
  for (const mode of ['before', 'after'] as const) {
    for (let statement = 1; statement <= MAX_STATEMENTS; statement++) {
      database.arm(statement, mode);
      const done = await work();
      const struck = database.disarm();
      await look(mode, done);
      if (!struck) break;
      faults++;
    }
  }
  return faults;
}

/** What a trust server promises of a publish, whichever statement of its database fails (property 1). */
export function describePublishUnderFaults(name: string, open: () => Promise<Opened<MetadataStorage>>): void {
  describe(`property 1 on ${name}: a publish during which the database fails`, () => {
    test('is stored as a whole if it was acknowledged, and as a whole or not at all if it was not', async () => {
      const { database, part: storage } = await open();
      const faulty = new FaultyDatabase(database);
      const stage = new TrustStage({ storage });
      const publisher = await stage.published();
      const client = clientOf(stage, publisher);
      let sent = (await versions(client)).targets ?? 0;

      const publish = async () => {
        publisher.targets = { ...publisher.targets, version: sent as Version };
        const files = publisher.addTarget(`tag-${sent}`).bump('targets').update('targets');
        return (await stage.upload(publisher.gun, files)).status === 200;
      };
      const faults = await disturb(faulty, publish, async (_, acknowledged) => {
        const served = (await versions(client)).targets ?? 0;
        expect(served === sent + 1 || (!acknowledged && served === sent)).toBe(true);
        sent = served;
      });

      expect(faults).toBeGreaterThan(8);
    });

    test('can be sent again, and then every client has it', async () => {
      const { database, part: storage } = await open();
      const faulty = new FaultyDatabase(database);
      const stage = new TrustStage({ storage });
      const publisher = await stage.published();
      let files = publisher.update('targets');

      await disturb(
        faulty,
        async () => {
          files = publisher.addTarget('again').bump('targets').update('targets');
          return (await stage.upload(publisher.gun, files)).status === 200;
        },
        async (_, acknowledged) => {
          if (!acknowledged) await stage.upload(publisher.gun, files);
          const served = await stage.bytes(publisher.gun, 'targets.json');
          expect(served && Buffer.from(served).equals(files.get('targets') ?? new Uint8Array())).toBe(true);
        },
      );
    });

    test('a deletion leaves everything or nothing', async () => {
      const { database, part: storage } = await open();
      const faulty = new FaultyDatabase(database);
      const stage = new TrustStage({ storage });
      const publisher = await stage.published();
      const files = publisher.all();
      const path = `/v2/${publisher.gun}/_trust/tuf/`;

      await disturb(
        faulty,
        async () => (await stage.request('DELETE', path)).status === 200,
        async (_, deleted) => {
          const roles = ['root', 'targets', 'snapshot', 'timestamp'];
          const left = await Promise.all(roles.map((role) => stage.bytes(publisher.gun, `${role}.json`)));
          const present = left.filter((file) => file !== undefined).length;
          expect(deleted ? [0] : [0, 4]).toContain(present);
          if (present === 0) expect((await stage.upload(publisher.gun, files)).status).toBe(200);
        },
      );
    });
  });
}

function clientOf(stage: TrustStage, publisher: RepositoryBuilder): TestClient {
  const fetcher = { fetch: (gun: string, file: string) => stage.bytes(gun, file) };
  return new TestClient(fetcher, { gun: publisher.gun, now: stage.now });
}

async function versions(client: TestClient): Promise<Readonly<Record<string, number>>> {
  return versionsOf(await client.refresh());
}

/** What a store of service keys promises, whichever statement of its database fails. */
export function describeKeysUnderFaults(name: string, open: () => Promise<Opened<ServiceKeys>>): void {
  describe(`${name} while the database fails`, () => {
    test('a key that was handed out signs, and asking again gives the one key that is waiting', async () => {
      const { database, part: keys } = await open();
      const faulty = new FaultyDatabase(database);
      let handedOut: string | undefined;
      let round = 0;

      const faults = await disturb(
        faulty,
        async () => {
          const gun = parseGun(`example.com/${++round}`);
          handedOut = await keys.create(gun, TIMESTAMP, 'ecdsa').then(keyId, () => undefined);
          return handedOut !== undefined;
        },
        async (_, done) => {
          const key = await keys.create(parseGun(`example.com/${round}`), TIMESTAMP, 'ecdsa');
          if (done) expect(keyId(key)).toBe(handedOut as never);
          const signer = await keys.signer(keyId(key));
          expect((await signer?.sign(new Uint8Array(3)))?.length).toBe(64);
        },
      );

      expect(faults).toBeGreaterThan(4);
    });
  });
}
