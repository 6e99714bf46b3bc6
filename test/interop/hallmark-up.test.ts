// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { pushedDigest } from './support/digests.ts';
import { makeImage, startDockerd } from './support/dockerd.ts';
import { promise } from './support/journal.ts';
import type { TrustServer } from './support/notary-server.ts';
import type { Service } from './support/processes.ts';
import { Stage } from './support/stage.ts';
import { type HallmarkPlace, hallmarkPlace, startHallmark } from './support/trust-server.ts';
import { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

describe('hallmark up: its own registry, and a second life', () => {
  const stage = new Stage();
  let place: HallmarkPlace;
  let server: TrustServer;
  let service: Service;
  let dockerHost: string;
  let publisher: User;
  let repository: string;
  let digest: string;

  beforeAll(async () => {
    place = await hallmarkPlace(stage);
    ({ server, service } = await startHallmark(stage, place));
    dockerHost = await startDockerd(stage);
    publisher = new User(stage, 'publisher', server, dockerHost);
    repository = `${server.embeddedRegistry}/interop/embedded`;
  }, START_MILLISECONDS);
  afterAll(() => stage.close());

  promise('docker pushes to the embedded registry, signs, and another user pulls', async () => {
    await makeImage(stage, dockerHost, `${repository}:1`, 'content of 1');
    const push = await publisher.docker('push', `${repository}:1`);
    expect(push.code).toBe(0);
    digest = pushedDigest(push);
    await publisher.untrusted('rmi', '--force', `${repository}:1`);
    const pull = await new User(stage, 'reader', server, dockerHost).docker('pull', `${repository}:1`);
    expect(pull.code).toBe(0);
    expect(pull.stdout).toStartWith(`Pull (1 of 1): ${repository}:1@${digest}\n`);
  });

  promise('SIGTERM ends it with 0, and without it nothing new is trusted on first use', async () => {
    expect(await service.stop()).toBe(0);
    const orphan = new User(stage, 'orphan', server, dockerHost);
    expect((await orphan.docker('pull', `${repository}:1`)).code).toBe(1);
  });

  promise('started again over its data it serves the same trust with the same keys', async () => {
    ({ server, service } = await startHallmark(stage, place));
    await makeImage(stage, dockerHost, `${repository}:2`, 'content of 2');
    expect((await publisher.docker('push', `${repository}:2`)).code).toBe(0);
    const pull = await publisher.docker('pull', '-a', repository);
    expect(pull.code).toBe(0);
    expect(pull.stdout).toContain(`: ${repository}:1@${digest}\n`);
    const lookup = await new User(stage, 'newcomer', server, dockerHost).notary('lookup', repository, '1');
    expect(lookup.stdout).toStartWith(`1 ${digest} `);
  });
});
