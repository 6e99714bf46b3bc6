// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStage } from '../../../lab/index.ts';
import type { RunCommand } from '../../captured-run.ts';
import type { CommandContext } from '../../context.ts';
import { Narrator, type Person } from '../../demo/narrator.ts';
import { tellStory } from '../../demo/story.ts';
import { ExitCode } from '../../exit-codes.ts';
import { PartialFailure } from '../../usage-error.ts';

/** `hallmark demo`: the main job and four attacks, played for real on this machine; fails if one of them goes wrong. */
export async function demo({ io }: CommandContext, run: RunCommand): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'hallmark-demo-'));
  const stage = await openStage(work, () => io.now());
  try {
    const narrator = new Narrator(io, run);
    const person = async (name: string): Promise<Person> => ({ name, env: await stage.home(name) });
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
