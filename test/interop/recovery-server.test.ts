// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectTrusted, trustedBy } from './support/clients.ts';
import { promise } from './support/journal.ts';
import { emptyServer, RecoveryWorld } from './support/recovery-world.ts';
import type { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

describe('threats from the trust server and the way to it', () => {
  let world: RecoveryWorld;
  let owner: User;
  let reader: User;
  let repository: string;
  /** What the tag meant first, and what a security fix made of it. */
  let old: string;
  let fixed: string;
  /** Everything that the server kept, keys included, while the tag still meant the old content. */
  let stolen: string;

  beforeAll(async () => {
    world = await RecoveryWorld.open();
    [owner, reader] = ['owner', 'reader'].map((name) => world.user(name)) as [User, User];
    repository = `${world.registry}/recovery/server`;
    for (const tag of ['old', 'fixed', 'evil']) await world.unsignedImage(`${repository}:${tag}`, `content of ${tag}`);
    expect((await owner.hallmark('sign', `${repository}:old`)).code).toBe(0);
    expect((await owner.hallmark('sign', `${repository}:fixed`)).code).toBe(0);
    old = (await trustedBy(owner, repository, 'old')).hallmark ?? '';
    fixed = (await trustedBy(owner, repository, 'fixed')).hallmark ?? '';
    expect((await owner.hallmark('sign', `${repository}:app@${old}`)).code).toBe(0);
    await expectTrusted([reader], repository, 'app', old);
    stolen = await world.stealServer('stolen');
    expect((await owner.hallmark('sign', `${repository}:app@${fixed}`)).code).toBe(0);
    await expectTrusted([reader], repository, 'app', fixed);
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  /** Whoever has seen the fix never goes back: hallmark says so, and docker and notary keep to what they have. */
  async function expectNoWayBack(user: User): Promise<void> {
    expect(await user.hallmark('verify', `${repository}:app`)).toMatchObject({ code: 3, stdout: '' });
    const { docker, notary } = await trustedBy(user, repository, 'app');
    expect([docker, notary]).not.toContain(old);
  }

  promise('replay: old metadata, served again as it was, is refused by who has seen newer', async () => {
    await world.divertTo(stolen);
    await expectNoWayBack(reader);
    await world.divertBack();
    await expectTrusted([reader], repository, 'app', fixed);
  });

  promise('S17 replay: deleting the cache does not open the door to it', async () => {
    const forgetful = world.user('forgetful');
    await expectTrusted([forgetful], repository, 'app', fixed);
    rmSync(join(forgetful.trustDirectory, 'tuf'), { recursive: true });
    await world.divertTo(stolen);
    expect(await forgetful.hallmark('verify', `${repository}:app`)).toMatchObject({ code: 3, stdout: '' });
    await world.divertBack();
  });

  promise('stolen snapshot and timestamp keys: with them the thief keeps newcomers at the old content', async () => {
    await world.divertTo(stolen);
    expect((await trustedBy(world.user('victim'), repository, 'app')).hallmark).toBe(old);
    await world.divertBack();
  });

  promise('the owner has the server change both keys, and every client follows', async () => {
    const timestamp = await owner.hallmark('key', 'rotate', repository, 'timestamp', '--server-managed');
    expect(timestamp.code).toBe(0);
    const snapshot = await owner.hallmark('key', 'rotate', repository, 'snapshot', '--server-managed');
    expect(snapshot.code).toBe(0);
    await expectTrusted([reader, world.user('victim'), world.user('newcomer')], repository, 'app', fixed);
  });

  promise('what the thief signs with the stolen keys is refused by all who have seen the new ones', async () => {
    await world.divertTo(stolen);
    for (const user of [reader, world.user('victim'), world.user('newcomer')]) await expectNoWayBack(user);
    await world.divertBack();
    await expectTrusted([reader], repository, 'app', fixed);
  });

  promise('a server not trusted after the first pull: what a thief who owns it signs is refused', async () => {
    emptyServer(stolen);
    await world.divertTo(stolen);
    const thief = world.user('thief');
    expect((await thief.hallmark('sign', `${repository}:evil`)).code).toBe(0);
    const evil = (await trustedBy(thief, repository, 'evil')).hallmark ?? '';
    expect((await thief.hallmark('sign', `${repository}:app@${evil}`)).code).toBe(0);
    expect(await reader.hallmark('verify', `${repository}:app`)).toMatchObject({ code: 3, stdout: '' });
    const { docker, notary } = await trustedBy(reader, repository, 'app');
    expect([docker, notary]).not.toContain(evil);
    await world.divertBack();
    await expectTrusted([reader], repository, 'app', fixed);
  });

  promise('pins from another machine protect the first pull as well', async () => {
    const pins = join(reader.home, 'pins.json');
    expect((await reader.hallmark('pin', 'export', repository, '-o', pins)).code).toBe(0);
    const [pinned, trusting] = [world.user('pinned'), world.user('trusting')];
    expect(await pinned.hallmark('pin', 'import', pins)).toMatchObject({
      code: 0,
      stdout: `Imported pins of ${repository}\n`,
    });
    await world.divertTo(stolen);
    expect((await trusting.hallmark('verify', `${repository}:app`)).code).toBe(0);
    const refused = await pinned.hallmark('verify', `${repository}:app`);
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(refused.stderr).toContain(`root of ${repository} is signed by no pinned key`);
    await world.divertBack();
    expect((await pinned.hallmark('verify', `${repository}:app`)).stdout).toContain(fixed);
    // who trusted the thief on first use is stuck until they say which key is right
    expect((await trusting.hallmark('verify', `${repository}:app`)).code).toBe(3);
    expect((await trusting.hallmark('pin', 'import', pins)).code).toBe(2);
    expect((await trusting.hallmark('pin', 'import', pins, '--forget')).code).toBe(0);
    expect((await trusting.hallmark('verify', `${repository}:app`)).stdout).toContain(fixed);
  });

  promise('without trust on first use nothing is trusted that no pin covers', async () => {
    const strict = world.user('strict');
    expect((await strict.hallmark('pin', 'tofu', 'off')).code).toBe(0);
    const refused = await strict.hallmark('verify', `${repository}:app`);
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(refused.stderr).toContain('no pin covers');
  });

  promise('untrusted registry: a tag that it moves is not asked for', async () => {
    await world.unsignedImage(`${repository}:app`, 'what the registry made of it');
    await expectTrusted([reader], repository, 'app', fixed);
    const wrong = await reader.hallmark('verify', `${repository}:app@${old}`);
    expect(wrong).toMatchObject({ code: 3, stdout: '' });
  });

  promise('untrusted registry: bytes that it changes are refused, and nothing of them is kept', async () => {
    const pull = (name: string) =>
      reader.hallmark('pull', '--output', `oci:${join(reader.home, name)}`, `${repository}:app`);
    expect((await pull('good')).stdout).toContain(fixed);
    const hex = fixed.slice('sha256:'.length);
    const port = world.registry.slice(world.registry.lastIndexOf(':') + 1);
    const blobs = join(world.stage.directory, `registry-${port}`, 'data/docker/registry/v2/blobs/sha256');
    const manifest = join(blobs, hex.slice(0, 2), hex, 'data');
    const bytes = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, bytes.replace('"schemaVersion": 2', '"schemaVersion":\n2'));
    const refused = await pull('bad');
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('serves other content than was signed: nothing was kept');
    expect(existsSync(join(reader.home, 'bad', 'blobs', 'sha256', hex))).toBe(false);
    writeFileSync(manifest, bytes);
    expect((await pull('again')).code).toBe(0);
  });
});
