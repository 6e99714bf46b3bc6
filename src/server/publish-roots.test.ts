// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { signFile, testRootSigner, testSigner } from '../../test/support/repository-builder.ts';
import { invalidUpdate, TrustStage } from '../../test/support/trust-stage.ts';
import { keyId, type RoleKeys, TIMESTAMP, type TopLevelRole, type Version, withRoleKeys } from '../tuf/index.ts';

const NO_INTEGRITY = 'could not validate the path to a trusted root: failed to validate integrity of roots';
const NO_CERTIFICATE = 'could not validate the path to a trusted root: unable to retrieve valid leaf certificates';
const NO_ROTATION =
  'could not rotate trust to a new trusted root: failed to validate data with current trusted certificates';

describe('a published root', () => {
  test('may rotate its own key when old and new sign', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();

    expect(await stage.refusal(publisher.gun, await publisher.rotateRoot())).toBeUndefined();
    expect(await stage.versions(publisher.gun, 'root', 'snapshot', 'timestamp')).toEqual([2, 2, 2]);
    expect((await stage.read(publisher.gun, '1.root.json')).version).toBe(1);
  });

  test('S18 needs both the old and the new key, and the next version', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();
    const old = publisher.signers.root;
    await publisher.rotateRoot();
    const refuse = (...args: Parameters<typeof signFile>) =>
      stage.refusal(publisher.gun, new Map([['root', signFile(...args)]]));

    expect(await refuse(publisher.root, publisher.signers.root)).toEqual(invalidUpdate('ErrBadRoot', NO_ROTATION));
    expect(await refuse(publisher.root, old)).toEqual(invalidUpdate('ErrBadRoot', NO_INTEGRITY));
    expect(await refuse({ ...publisher.root, version: 3 as Version }, old, publisher.signers.root)).toEqual(
      invalidUpdate('ErrBadRoot', 'Root modifications must increment the version. Current 1, new 3'),
    );
    expect(await stage.versions(publisher.gun, 'root', 'timestamp')).toEqual([1, 1]);
  });

  test('must be signed', async () => {
    const stage = new TrustStage();
    const publisher = await stage.publisher();
    publisher.signers.root = await testRootSigner(publisher.gun, stage.now);

    expect(await stage.refusal(publisher.gun, publisher.all())).toEqual(invalidUpdate('ErrBadRoot', NO_INTEGRITY));
  });

  test('needs a certificate that names the GUN, so it is no root of another', async () => {
    const stage = new TrustStage();
    const publisher = await stage.publisher('example.com/one');

    expect(await stage.refusal('example.com/two', publisher.all())).toEqual(
      invalidUpdate('ErrBadRoot', NO_CERTIFICATE),
    );
  });

  test('needs a certificate that is valid now', async () => {
    const stage = new TrustStage();
    const publisher = await stage.publisher();
    stage.now = new Date(stage.now.getTime() - 3 * 86_400_000);

    expect(await stage.refusal(publisher.gun, publisher.all())).toEqual(invalidUpdate('ErrBadRoot', NO_CERTIFICATE));
  });

  test('S9 with a threshold that its keys can never reach is refused, and nothing is stored', async () => {
    for (const role of ['targets', 'snapshot', 'timestamp'] as const) {
      const stage = new TrustStage();
      const publisher = await stage.publisher();
      const keys = publisher.root.roles.get(role) as RoleKeys;
      publisher.root = { ...publisher.root, roles: new Map(publisher.root.roles).set(role, { ...keys, threshold: 2 }) };

      expect(await stage.refusal(publisher.gun, publisher.all())).toEqual(
        invalidUpdate('ErrBadRoot', `${role} needs 2 signatures and has 1 usable keys`),
      );
      expect((await stage.get(publisher.gun, 'root.json')).status).toBe(404);
    }
  });

  test('S15 two certificates around one key do not make a threshold of two', async () => {
    const stage = new TrustStage();
    const publisher = await stage.publisher();
    const { signers } = publisher;
    const twin = await testRootSigner(publisher.gun, new Date(stage.now.getTime() - 60_000), signers.root.key);
    publisher.root = withRoleKeys(publisher.root, 'root', [signers.root.listed]);
    const roles = new Map(publisher.root.roles).set('root', {
      keyIds: [signers.root.listed, twin.listed].map(keyId),
      threshold: 2,
    });
    const keys = new Map(publisher.root.keys).set(keyId(twin.listed), twin.listed);
    const files = publisher.all().set('root', signFile({ ...publisher.root, roles, keys }, signers.root, twin));

    expect(await stage.refusal(publisher.gun, files)).toEqual(
      invalidUpdate('ErrBadRoot', 'root needs 2 signatures and has 1 usable keys'),
    );
  });

  test('S16 with a threshold of zero is refused', async () => {
    const stage = new TrustStage();
    const publisher = await stage.publisher();
    for (const role of ['root', 'targets'] as TopLevelRole[]) {
      const keys = publisher.root.roles.get(role) as RoleKeys;
      const root = { ...publisher.root, roles: new Map(publisher.root.roles).set(role, { ...keys, threshold: 0 }) };
      const files = publisher.all().set('root', signFile(root, publisher.signers.root));

      expect(await stage.refusal(publisher.gun, files)).toMatchObject({ detail: { Name: 'ErrBadRoot' } });
    }
  });

  test('that takes the targets key away without new targets would lock clients out, so it is refused', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();
    publisher.signers.targets = testSigner();
    publisher.root = withRoleKeys(publisher.root, 'targets', [publisher.signers.targets.listed]);
    publisher.bump('root', 'targets');

    expect(await stage.refusal(publisher.gun, publisher.update('root'))).toEqual(
      invalidUpdate('ErrBadTargets', 'valid signatures did not meet threshold for targets'),
    );
    expect(await stage.refusal(publisher.gun, publisher.update('root', 'targets'))).toBeUndefined();
  });

  test('may take a new timestamp key of the server, which then signs', async () => {
    const stage = new TrustStage();
    const publisher = await stage.published();
    const fresh = await stage.keys.create(publisher.gun, TIMESTAMP, 'ecdsa');
    publisher.root = withRoleKeys(publisher.root, 'timestamp', [fresh]);

    expect(await stage.refusal(publisher.gun, publisher.bump('root').update('root'))).toBeUndefined();
    const served = JSON.parse(await (await stage.get(publisher.gun, 'timestamp.json')).text());
    expect(served.signatures.map(({ keyid }: { keyid: string }) => keyid)).toEqual([keyId(fresh)]);
  });

  test('ed25519 and rsa keys serve for targets', async () => {
    for (const algorithm of ['ed25519', 'rsa'] as const) {
      const stage = new TrustStage();
      const publisher = await stage.publisher();
      publisher.signers.targets = testSigner(algorithm);
      publisher.root = withRoleKeys(publisher.root, 'targets', [publisher.signers.targets.listed]);

      expect(await stage.refusal(publisher.gun, publisher.all())).toBeUndefined();
    }
  });
});
