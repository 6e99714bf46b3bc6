// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { signFile, testSigner } from '../../test/support/repository-builder.ts';
import { invalidUpdate, TrustStage } from '../../test/support/trust-stage.ts';
import {
  firstSnapshot,
  notaryV1,
  parseRoleName,
  type RoleName,
  type Snapshot,
  type Version,
  withDelegation,
  withoutDelegation,
} from '../tuf/index.ts';

const DAY = 86_400_000;

async function withDelegations(snapshot: 'server' | 'client' = 'server') {
  const stage = new TrustStage();
  const publisher = await stage.publisher('example.com/app', snapshot);
  const releases = publisher.delegate('targets/releases');
  const qa = publisher.delegate('targets/releases/qa');
  const refused = await stage.refusal(publisher.gun, publisher.all());
  if (refused !== undefined) throw new Error(JSON.stringify(refused));
  return { stage, publisher, releases, qa };
}

const entries = async (stage: TrustStage, gun: string) =>
  Object.keys((await stage.read(gun, 'snapshot.json')).meta).sort();

describe('delegations', () => {
  test('are published, served and listed in the snapshot', async () => {
    const { stage, publisher, releases } = await withDelegations();
    await stage.upload(publisher.gun, publisher.addTarget('v1', 'v1', releases).bump(releases).update(releases));

    expect(await stage.versions(publisher.gun, releases, 'targets/releases/qa', 'targets')).toEqual([2, 1, 1]);
    expect(await entries(stage, publisher.gun)).toEqual(['root', 'targets', 'targets/releases', 'targets/releases/qa']);
  });

  test('that no parent knows are refused', async () => {
    const { stage, publisher } = await withDelegations();
    const [stranger, orphan] = [parseRoleName('targets/stranger'), parseRoleName('targets/none/child')];
    for (const role of [stranger, orphan]) {
      publisher.delegationSigners.set(role, testSigner());
      expect(await stage.refusal(publisher.gun, publisher.update(role))).toEqual(
        invalidUpdate(
          'ErrBadTargets',
          expect.stringMatching(/^tuf: invalid role targets\/(stranger|none)\. delegation does not exist$/),
        ),
      );
    }
  });

  test('signed by another key are refused', async () => {
    const { stage, publisher, qa } = await withDelegations();
    publisher.delegationSigners.set(qa, testSigner());

    expect(await stage.refusal(publisher.gun, publisher.bump(qa).update(qa))).toEqual(
      invalidUpdate('ErrBadTargets', `valid signatures did not meet threshold for ${qa}`),
    );
  });

  test('that are broken already do not stop an update of something else', async () => {
    const { stage, publisher, releases } = await withDelegations();
    const change = { removeKeys: [publisher.delegationSigners.get(releases)?.key.keyId ?? ('' as never)] };
    const rekeyed = testSigner();
    publisher.targets = withDelegation(
      { role: parseRoleName('targets'), targets: publisher.targets, paths: [''] },
      releases,
      {
        ...change,
        addKeys: [rekeyed.listed],
      },
    );

    expect(await stage.refusal(publisher.gun, publisher.bump('targets').update('targets'))).toBeUndefined();
    expect(await stage.refusal(publisher.gun, publisher.bump('targets').update('targets'))).toBeUndefined();
    publisher.delegationSigners.set(releases, rekeyed);
    expect(await stage.refusal(publisher.gun, publisher.bump(releases).update(releases))).toBeUndefined();
  });

  test('below a broken one cannot be reached by any client, so they are refused', async () => {
    const { stage, publisher, qa } = await withDelegations();
    stage.now = publisher.now = new Date(stage.now.getTime() + 1100 * DAY);
    publisher.bump('targets', qa);

    expect(await stage.refusal(publisher.gun, publisher.update('targets', qa))).toMatchObject({
      detail: { Name: 'ErrBadTargets', Error: { Msg: expect.stringContaining('targets/releases expired') } },
    });
  });

  test('W stale snapshot entries: what nobody delegates to any more leaves the snapshot, with all below it', async () => {
    const { stage, publisher, releases } = await withDelegations();
    publisher.targets = withoutDelegation(publisher.targets, releases);

    expect(await stage.refusal(publisher.gun, publisher.bump('targets').update('targets'))).toBeUndefined();
    expect(await entries(stage, publisher.gun)).toEqual(['root', 'targets']);
    expect((await stage.get(publisher.gun, `${releases}.json`)).status).toBe(404);
    expect((await stage.get(publisher.gun, `1.${releases}.json`)).status).toBe(200);
  });
});

describe("a publisher's snapshot", () => {
  async function refusedWith(change: (snapshot: Snapshot, qa: RoleName) => Snapshot, ...roles: string[]) {
    const { stage, publisher, qa } = await withDelegations('client');
    const files = publisher.bump('targets', qa).update(...roles);
    const snapshot = change(publisher.snapshot as Snapshot, qa);
    return stage.refusal(publisher.gun, files.set('snapshot', signFile(snapshot, publisher.signers.snapshot)));
  }
  const withMeta = (snapshot: Snapshot, role: string, content: string | undefined): Snapshot => {
    const meta = new Map(snapshot.meta);
    if (content === undefined) meta.delete(parseRoleName(role));
    else meta.set(parseRoleName(role), notaryV1.pin(Buffer.from(content)));
    return { ...snapshot, meta };
  };

  test('that is right is taken', async () => {
    expect(await refusedWith((snapshot) => snapshot, 'targets', 'targets/releases/qa')).toBeUndefined();
  });

  test('that misstates a file of the update is refused', async () => {
    const refused = await refusedWith((snapshot) => withMeta(snapshot, 'targets', 'other'), 'targets');
    expect(refused).toMatchObject({ detail: { Name: 'ErrBadSnapshot' } });
  });

  test('that leaves a file of the update out is refused', async () => {
    const refused = await refusedWith((snapshot, qa) => withMeta(snapshot, qa, undefined), 'targets/releases/qa');
    expect(refused).toMatchObject({ detail: { Name: 'ErrBadSnapshot' } });
  });

  test('W client snapshot may misstate roles: one that names a file which does not exist is refused', async () => {
    for (const role of ['targets/releases', 'targets/none']) {
      const refused = await refusedWith((snapshot) => withMeta(snapshot, role, 'nowhere'), 'targets');
      expect(refused).toEqual(invalidUpdate('ErrBadSnapshot', `snapshot names a ${role} that does not exist`));
    }
    const refused = await refusedWith((snapshot) => withMeta(snapshot, 'root', 'x'.repeat(10)), 'targets');
    expect(refused).toMatchObject({ detail: { Name: 'ErrBadSnapshot' } });
  });

  test('S17 that leads back to an older file is refused', async () => {
    const { stage, publisher, qa } = await withDelegations('client');
    const old = (await stage.bytes(publisher.gun, `${qa}.json`)) ?? new Uint8Array();
    await stage.upload(publisher.gun, publisher.bump(qa).update(qa));
    const files = publisher.bump('targets').update('targets');
    const meta = new Map(publisher.snapshot?.meta).set(qa, notaryV1.pin(old));
    const snapshot = { ...(publisher.snapshot as Snapshot), meta };

    const refused = await stage.refusal(
      publisher.gun,
      files.set('snapshot', signFile(snapshot, publisher.signers.snapshot)),
    );

    expect(refused).toEqual(invalidUpdate('ErrBadSnapshot', `snapshot goes back from ${qa} 2 to 1`));
  });

  test('is refused where the server alone holds the key', async () => {
    const { stage, publisher } = await withDelegations();
    const meta = new Map([
      [parseRoleName('root'), notaryV1.pin(publisher.file('root'))],
      [parseRoleName('targets'), notaryV1.pin(publisher.file('targets'))],
    ]);
    const snapshot = { ...firstSnapshot(meta, stage.now), version: 2 as Version };
    const files = new Map([['snapshot', signFile(snapshot, publisher.signers.snapshot)]]);

    expect(await stage.refusal(publisher.gun, files)).toMatchObject({ detail: { Name: 'ErrBadSnapshot' } });
  });
});
