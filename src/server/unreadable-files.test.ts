// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TrustStage } from '../../test/support/trust-stage.ts';
import { nextTimestamp, notaryV1, parseGun, ROOT, SNAPSHOT, sha256Hex, TARGETS, TIMESTAMP } from '../tuf/index.ts';
import type { VerifiedFile } from './storage/index.ts';

const gun = parseGun('example.com/app');

/** A repository whose snapshot another program stored with a field that this one does not know. */
async function withStrangeSnapshot(holder: 'client' | 'server') {
  const stage = new TrustStage();
  const publisher = await stage.published(gun, holder);
  const [timestamp, snapshot] = [await stage.storage.latest(gun, TIMESTAMP), await stage.storage.latest(gun, SNAPSHOT)];
  if (timestamp === undefined || snapshot === undefined) throw new Error('nothing was published');
  const strange = Buffer.from(Buffer.from(snapshot.bytes).toString().replace('{', '{"x":1,'));
  const signed = nextTimestamp(notaryV1.decode('timestamp', timestamp.bytes).signed, notaryV1.pin(strange), stage.now);
  const following = notaryV1.encode({ signedBytes: notaryV1.encodeSigned(signed), signatures: [] });
  const stored = (role: string, version: number, bytes: Uint8Array) =>
    ({ role, version, bytes, sha256: sha256Hex(bytes), expires: signed.expires }) as unknown as VerifiedFile;
  const files = [stored('snapshot', snapshot.version + 1, strange), stored('timestamp', signed.version, following)];
  await stage.storage.commit(gun, timestamp, files, { now: stage.now, actor: { name: 'another program' } });
  return { stage, publisher, strange, following };
}

describe('a snapshot that another program stored and that cannot be read', () => {
  test('is given as it is with its timestamp, and the others as they are the newest: clients judge', async () => {
    const { stage, strange, following } = await withStrangeSnapshot('client');

    expect(await stage.bytes(gun, 'timestamp.json')).toEqual(new Uint8Array(following));
    expect(await stage.bytes(gun, 'snapshot.json')).toEqual(new Uint8Array(strange));
    for (const role of [ROOT, TARGETS])
      expect(await stage.bytes(gun, `${role}.json`)).toEqual((await stage.storage.latest(gun, role))?.bytes);
    expect((await stage.get(gun, 'targets/releases.json')).status).toBe(404);
  });

  for (const holder of ['client', 'server'] as const) {
    test(`is no riddle for a publisher where the ${holder} holds its key: refused, with the reason`, async () => {
      const { stage, publisher } = await withStrangeSnapshot(holder);

      // the strange one took the version of the next
      publisher.update('targets');

      expect(await stage.refusal(gun, publisher.bump('targets').update('targets'))).toMatchObject({
        status: 400,
        code: 'INVALID_UPDATE',
        detail: { Error: { Msg: expect.stringContaining('"x" is an unknown field') } },
      });
    });
  }
});
