// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promise } from './support/journal.ts';
import { User } from './support/users.ts';
import { openWorld, START_MILLISECONDS, type World } from './support/world.ts';

/** People named here have no engine: Hallmark talks to the registry and the trust server alone. */
describe('hallmark CLI without an engine, against notary-server and docker-registry', () => {
  let world: World;
  let publisher: User;
  let reader: User;
  /** Has an engine and docker. */
  let neighbour: User;
  let repository: string;
  let archive: string;
  let digest: string;

  beforeAll(async () => {
    world = await openWorld('notary');
    publisher = new User(world.stage, 'publisher', world.server);
    reader = new User(world.stage, 'reader', world.server);
    neighbour = world.user('neighbour');
    repository = `${world.registry}/interop/files`;
    archive = join(world.stage.directory, 'saved.tar');
    await world.image('saved:1', 'content of a saved image');
    await neighbour.untrusted('save', '--output', archive, 'saved:1');
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  const verifiedDigest = async (image: string) =>
    (await reader.hallmark('verify', image)).stdout.trim().split('@')[1] ?? 'nothing';

  promise('push --from docker-archive pushes and signs what docker save wrote', async () => {
    const push = await publisher.hallmark('push', `${repository}:1`, '--from', `docker-archive:${archive}`);
    expect(push.code).toBe(0);
    expect(push.output).toContain(`Successfully signed ${repository}:1\n`);
    digest = await verifiedDigest(`${repository}:1`);
    const pull = await neighbour.docker('pull', `${repository}:1`);
    expect(pull.code).toBe(0);
    expect(pull.stdout).toStartWith(`Pull (1 of 1): ${repository}:1@${digest}\n`);
  });

  promise('pull --output oci writes an image layout whose index names the signed digest', async () => {
    const layout = join(reader.home, 'layout');
    expect((await reader.hallmark('pull', `${repository}:1`, '--output', `oci:${layout}`)).code).toBe(0);
    expect(JSON.parse(readFileSync(join(layout, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
    expect(readFileSync(join(layout, 'index.json'), 'utf8')).toContain(digest);
    expect(existsSync(join(layout, 'blobs', 'sha256', digest.slice('sha256:'.length)))).toBe(true);
  });

  promise('push --from oci pushes the same digest again', async () => {
    const layout = `oci:${join(reader.home, 'layout')}`;
    expect((await publisher.hallmark('push', `${repository}:2`, '--from', layout)).code).toBe(0);
    expect(await verifiedDigest(`${repository}:2`)).toBe(digest);
    expect((await neighbour.docker('pull', `${repository}:2`)).code).toBe(0);
  });

  promise('pull --output docker-archive writes what docker load reads', async () => {
    const output = join(reader.home, 'pulled.tar');
    expect((await reader.hallmark('pull', `${repository}:1`, '--output', `docker-archive:${output}`)).code).toBe(0);
    const idOf = async (image: string) =>
      (await neighbour.untrusted('image', 'inspect', '-f', '{{.Id}}', image)).stdout;
    const id = await idOf('saved:1');
    await neighbour.untrusted('rmi', '--force', 'saved:1', `${repository}:1`, `${repository}:2`);
    await neighbour.untrusted('load', '--input', output);
    expect(await idOf(`${repository}:1`)).toBe(id);
  });

  promise('an unsigned tag is not written anywhere', async () => {
    await neighbour.untrusted('tag', `${repository}:1`, `${repository}:unsigned`);
    await neighbour.untrusted('push', `${repository}:unsigned`);
    const layout = join(reader.home, 'unsigned');
    const pull = await reader.hallmark('pull', `${repository}:unsigned`, '--output', `oci:${layout}`);
    expect(pull.code).toBe(3);
    expect(existsSync(layout)).toBe(false);
  });

  promise(
    'a trust server whose certificate nobody vouches for is not believed, unless --ca names its authority',
    async () => {
      const wary = new User(world.stage, 'wary', world.server);
      rmSync(join(wary.config, 'tls'), { recursive: true });
      const refused = await wary.hallmark('verify', `${repository}:1`);
      expect(refused.code).not.toBe(0);
      expect(refused.stdout).toBe('');
      const verified = await wary.hallmark('verify', '--ca', world.server.ca, `${repository}:1`);
      expect(verified).toMatchObject({ code: 0, stdout: `${repository}:1@${digest}\n` });
    },
  );
});
