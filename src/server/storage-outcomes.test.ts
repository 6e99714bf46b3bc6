// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TrustStage } from '../../test/support/trust-stage.ts';
import { DatabaseUnavailableError, StatementTooLargeError } from '../service/database/index.ts';
import { parseGun, TIMESTAMP } from '../tuf/index.ts';
import { CachedStorage, MemoryStorage, OutcomeUnknownError, UnstorableNameError } from './storage/index.ts';

const gun = parseGun('example.com/app');

/** A server whose storage ends each commit in this way. */
async function stageFailingWith(error: Error) {
  const storage = new MemoryStorage();
  const stage = new TrustStage({ storage: new CachedStorage(storage) });
  const publisher = await stage.published(gun);
  storage.commit = async () => {
    throw error;
  };
  return { stage, update: publisher.bump('targets').update('targets') };
}

describe('what storage says of a publish', () => {
  test('a database that is away is nobody’s refusal and no riddle: 503, try again', async () => {
    const away = new DatabaseUnavailableError(new Error('connect ECONNREFUSED 10.0.0.7:5432'));
    const { stage, update } = await stageFailingWith(away);

    const refusal = await stage.refusal(gun, update);
    expect(refusal).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
    expect(JSON.stringify(refusal)).not.toContain('10.0.0.7');
    stage.storage.delete = async () => {
      throw away;
    };
    const deletion = await stage.request('DELETE', `/v2/${gun}/_trust/tuf/`);
    expect([deletion.status, deletion.headers.get('Retry-After')]).toEqual([503, '1']);
  });

  test('an unknown outcome is an error of the server, never a refusal', async () => {
    const { stage, update } = await stageFailingWith(new OutcomeUnknownError(gun));

    expect(await stage.refusal(gun, update)).toMatchObject({ status: 500, code: 'UNKNOWN' });
  });

  test('more than the database takes at once is too large, and says which setting forbids it', async () => {
    const { stage, update } = await stageFailingWith(new StatementTooLargeError(16_777_216));

    expect(await stage.refusal(gun, update)).toMatchObject({
      status: 413,
      code: 'TOO_LARGE',
      detail: expect.stringContaining('max_allowed_packet'),
    });
  });

  test('a name that the database takes for another is told as such', async () => {
    const { stage, update } = await stageFailingWith(new UnstorableNameError(gun, 'collides'));

    expect(await stage.refusal(gun, update)).toMatchObject({
      status: 400,
      code: 'INVALID_GUN',
      detail: `the database cannot hold ${gun}: it takes the name for that of another one`,
    });
  });
});

describe('the audit log of a server', () => {
  test('has each publish, renewal and deletion, with the actor', async () => {
    const stage = new TrustStage();
    await stage.published(gun);
    stage.now = new Date(stage.now.getTime() + 15 * 86_400_000);
    await stage.get(gun, 'timestamp.json');
    await stage.request('DELETE', `/v2/${gun}/_trust/tuf/`);

    const log = await stage.storage.audit({ gun, limit: 10 });

    expect(log.map(({ action, actor }) => [action, actor.name])).toEqual([
      ['publish', 'anonymous'],
      ['renew', 'server'],
      ['delete', 'anonymous'],
    ]);
    expect(log[0]?.detail.files).toMatchObject([
      { role: 'root', version: 1 },
      { role: 'targets', version: 1 },
      { role: 'snapshot', version: 1 },
      { role: 'timestamp', version: 1 },
    ]);
  });

  test('and the list of what expires follows the dates in the files', async () => {
    const stage = new TrustStage();
    await stage.published(gun);

    const [first] = await stage.storage.expiring({ before: new Date('2100-01-01'), limit: 10 });

    expect(first).toMatchObject({ gun, role: TIMESTAMP });
    expect(first?.expires.toISOString()).toStartWith((await stage.read(gun, 'timestamp.json')).expires.slice(0, 19));
  });
});
