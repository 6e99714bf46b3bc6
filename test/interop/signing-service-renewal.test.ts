// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { readFileSync } from 'node:fs';
import {
  canonicalKeyId,
  type KeyId,
  nextSnapshot,
  nextTimestamp,
  notaryV1,
  SIGNATURE_METHODS,
  type Signed,
  sha256Hex,
} from '../../src/tuf/index.ts';
import { freePort } from '../support/free-port.ts';
import { makeCertificates } from './support/certificates.ts';
import { promise } from './support/journal.ts';
import { startNotaryServerOn, type TrustServer } from './support/notary-server.ts';
import { expectSuccess, tableRows } from './support/notary-world.ts';
import { NOTARY_SERVER_TABLES, type Postgres, startPostgres } from './support/postgres.ts';
import type { Service } from './support/processes.ts';
import { keysOf, startSigner } from './support/signing-service.ts';
import { Stage } from './support/stage.ts';
import { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const gun = 'example.com/long-asleep';

/** notary-server on PostgreSQL, so that what it stored can be made to have expired: with the very keys that it has signed by. */
describe("Debian's notary-server makes new what has expired, signed by Hallmark's signing service", () => {
  const stage = new Stage();
  let directory: string;
  let database: Postgres;
  let signer: Service;
  let server: TrustServer;
  beforeAll(async () => {
    directory = stage.makeDirectory('services');
    await makeCertificates(directory, ['signer', 'server']);
    database = await startPostgres(stage);
    await database.query(NOTARY_SERVER_TABLES);
    const port = await freePort();
    signer = await startSigner(stage, directory, port);
    server = await startNotaryServerOn(stage, directory, port, { backend: 'postgres', db_url: database.url });
    const owner = new User(stage, 'owner', server);
    expectSuccess(await owner.notary('init', gun));
    expectSuccess(await owner.notary('key', 'rotate', gun, 'snapshot', '-r'));
    expectSuccess(await owner.notary('addhash', gun, 'one', '11', '--sha256', 'cd'.repeat(32), '-p'));
  }, START_MILLISECONDS);
  afterAll(async () => {
    await database.close();
    await stage.close();
  });

  /** As it would be, had it been signed when `signed` says: the service itself would not sign it any more. */
  async function store(role: 'timestamp' | 'snapshot', signed: Signed): Promise<Uint8Array> {
    const root = notaryV1.decode('root', await served('root')).signed;
    const keyId = root.roles.get(role)?.keyIds[0] as KeyId;
    const canonical = canonicalKeyId(root.keys.get(keyId) ?? { type: '', bytes: new Uint8Array() });
    const signedBytes = notaryV1.encodeSigned(signed);
    const bytes = (await (await keysOf(directory).signer(canonical))?.sign(signedBytes)) ?? new Uint8Array();
    const file = notaryV1.encode({ signedBytes, signatures: [{ keyId, method: SIGNATURE_METHODS.ecdsa, bytes }] });
    await database.query(
      `insert into tuf_files (created_at, updated_at, gun, role, version, data, sha256)
       values (now(), now(), $1, $2, $3, $4, $5)`,
      [gun, role, signed.version, Buffer.from(file), sha256Hex(file)],
    );
    return file;
  }

  async function served(role: string): Promise<Uint8Array> {
    const url = `${server.url}/v2/${gun}/_trust/tuf/${role}.json`;
    const response = await fetch(url, { tls: { ca: readFileSync(server.ca, 'utf8') } });
    expect([role, response.status]).toEqual([role, 200]);
    return new Uint8Array(await response.arrayBuffer());
  }

  const past = new Date(Date.now() - 86_400_000);

  promise('a timestamp', async () => {
    const before = notaryV1.decode('timestamp', await served('timestamp')).signed;
    const expired = { ...nextTimestamp(before, before.snapshot, past), expires: past };
    await store('timestamp', expired);

    const after = notaryV1.decode('timestamp', await served('timestamp')).signed;

    expect<number>(after.version).toBe(expired.version + 1);
    expect(after.expires.getTime()).toBeGreaterThan(Date.now());
  });

  promise('a snapshot, with a timestamp over it; readers follow', async () => {
    const timestamp = notaryV1.decode('timestamp', await served('timestamp')).signed;
    const snapshot = notaryV1.decode('snapshot', await served('snapshot')).signed;
    const expired = { ...nextSnapshot(snapshot, new Map(), past), expires: past };
    const file = await store('snapshot', expired);
    await store('timestamp', nextTimestamp(timestamp, notaryV1.pin(file), new Date()));

    await served('timestamp');
    const after = notaryV1.decode('snapshot', await served('snapshot')).signed;

    expect<number>(after.version).toBe(expired.version + 1);
    expect(after.expires.getTime()).toBeGreaterThan(Date.now() + 1000 * 86_400_000);
    const reader = new User(stage, 'reader', server);
    expect(tableRows(expectSuccess(await reader.notary('list', gun)))).toHaveLength(1);
    expect(signer.text).not.toContain('"phase":"refused"');
  });
});
