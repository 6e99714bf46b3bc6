// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandContext } from '../context.ts';
import { Narrator, type Person, type RunCommand } from '../demo/narrator.ts';
import { type DemoStage, openStage } from '../demo/stage.ts';
import { tellStory } from '../demo/story.ts';
import { ExitCode } from '../exit-codes.ts';
import { PartialFailure } from '../usage-error.ts';

/** `hallmark demo`: the main job and four attacks, played for real on this machine; fails if one of them goes wrong. */
export async function demo({ io }: CommandContext, run: RunCommand): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'hallmark-demo-'));
  const stage = await openStage(work, () => io.now());
  try {
    const narrator = new Narrator(io, run);
    const person = async (name: string): Promise<Person> => ({ name, env: await homeOf(work, name, stage) });
    narrator.say(
      `a registry at http://${stage.registryHost} and a trust server at ${stage.trustUrl}, both in this process`,
    );
    await tellStory({
      stage,
      narrator,
      alice: await person('alice'),
      bob: await person('bob'),
      mallory: await person('mallory'),
      work,
    });
    if (narrator.failures > 0) throw new PartialFailure(`${narrator.failures} promises were not kept`, ExitCode.failed);
    io.stdout.write('\nEverything went as it should: what was signed was pulled, and each attack was refused.\n');
  } finally {
    await stage.close();
    await rm(work, { recursive: true, force: true });
  }
}

/** Each person has a home, a trust directory and passphrases of their own, and Docker's place for the server's authority. */
async function homeOf(work: string, name: string, { trustUrl, caFile }: DemoStage): Promise<Person['env']> {
  const config = join(work, name, '.docker');
  const authorities = join(config, 'tls', new URL(trustUrl).host);
  await mkdir(authorities, { recursive: true });
  await copyFile(caFile, join(authorities, 'ca.crt'));
  return {
    HOME: join(work, name),
    DOCKER_CONFIG: config,
    DOCKER_CONTENT_TRUST_SERVER: trustUrl,
    DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: randomBytes(16).toString('hex'),
    DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: randomBytes(16).toString('hex'),
  };
}
