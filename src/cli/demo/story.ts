// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Stage, writeImage } from '../../lab/index.ts';
import { digestOf } from '../../registry/index.ts';
import { ExitCode } from '../exit-codes.ts';
import type { Narrator, Person } from './narrator.ts';

/** What the story is played with. */
export interface Cast {
  readonly stage: Stage;
  readonly narrator: Narrator;
  readonly alice: Person;
  readonly bob: Person;
  readonly mallory: Person;
  /** A directory for images, gone with the demonstration. */
  readonly work: string;
}

/** Push, sign, pull, and four attacks: each told with the real commands and digests. */
export async function tellStory(cast: Cast): Promise<void> {
  const name = `${cast.stage.registryHost}/demo/hello`;
  const good = await publish(cast, name);
  await pullElsewhere(cast, name, good);
  await movedTag(cast, name, good);
  await tamperedManifest(cast, name, good);
  await replayedTimestamp(cast, name);
  await unsignedTag(cast, name);
}

async function publish({ narrator, alice, work }: Cast, name: string): Promise<string> {
  narrator.chapter('Alice makes an image, pushes it and signs its tag');
  const digest = await writeImage(join(work, 'good'), 'Hello, this is what Alice signed.');
  narrator.say(`the image is ${digest}`);
  const pushed = await narrator.command(alice, ['push', '--from', `oci:${join(work, 'good')}`, `${name}:1.0`]);
  narrator.expect(
    'the push made root, targets, snapshot and timestamp, and signed the tag',
    pushed.exitCode === ExitCode.done,
  );
  return digest;
}

async function pullElsewhere({ narrator, bob, work }: Cast, name: string, good: string): Promise<void> {
  narrator.chapter('Bob, on another machine, pulls the tag and gets the digest that Alice signed');
  const verified = await narrator.command(bob, ['verify', `${name}:1.0`]);
  narrator.expect(
    `the tag is trusted as ${good}`,
    verified.exitCode === ExitCode.done && verified.stdout.trim() === `${name}:1.0@${good}`,
  );
  const pulled = await narrator.command(bob, ['pull', '--output', `oci:${join(work, 'bob')}`, `${name}:1.0`]);
  narrator.expect(
    'what was pulled is that image, byte for byte',
    pulled.exitCode === ExitCode.done && holds(join(work, 'bob'), good),
  );
}

async function movedTag({ narrator, bob, mallory, work }: Cast, name: string, good: string): Promise<void> {
  narrator.chapter('Mallory, who can write to the registry, moves the tag to an image of his own');
  const evil = await writeImage(join(work, 'evil'), 'Mallory was here.');
  await narrator.command(mallory, [
    'push',
    '--disable-content-trust',
    '--from',
    `oci:${join(work, 'evil')}`,
    `${name}:1.0`,
  ]);
  narrator.say(`the registry now serves ${evil} under the tag`);
  const refused = await narrator.command(bob, ['verify', `${name}:1.0@${evil}`]);
  narrator.expect("Mallory's image is refused as what the tag means", refused.exitCode === ExitCode.notTrusted);
  const pulled = await narrator.command(bob, ['pull', '--output', `oci:${join(work, 'bob-again')}`, `${name}:1.0`]);
  const isGood = holds(join(work, 'bob-again'), good) && !holds(join(work, 'bob-again'), evil);
  narrator.expect(
    "Bob still gets Alice's image: the tag was never asked of the registry",
    pulled.exitCode === ExitCode.done && isGood,
  );
}

async function tamperedManifest({ stage, narrator, bob, work }: Cast, name: string, good: string): Promise<void> {
  narrator.chapter('Mallory makes the registry serve changed bytes under the signed digest');
  stage.attacker.tamper(good);
  const pulled = await narrator.command(bob, ['pull', '--output', `oci:${join(work, 'tampered')}`, `${name}:1.0`]);
  stage.attacker.behave();
  narrator.expect(
    'the manifest does not have its digest: refused, and nothing was kept',
    pulled.exitCode === ExitCode.notTrusted && !holds(join(work, 'tampered'), good),
  );
}

async function replayedTimestamp({ stage, narrator, alice, bob, work }: Cast, name: string): Promise<void> {
  narrator.chapter('Mallory, between Bob and the trust server, replays an old timestamp to hide a new release');
  await stage.attacker.record(name);
  await writeImage(join(work, 'better'), 'Hello again, with a security fix.');
  await narrator.command(alice, ['push', '--from', `oci:${join(work, 'better')}`, `${name}:1.1`]);
  const fresh = await narrator.command(bob, ['verify', `${name}:1.1`]);
  narrator.expect('Bob has seen the new release', fresh.exitCode === ExitCode.done);
  stage.attacker.replay(name);
  const replayed = await narrator.command(bob, ['verify', `${name}:1.0`]);
  stage.attacker.behave();
  narrator.expect(
    'the old timestamp is refused: its version is lower than what Bob trusted before',
    replayed.exitCode === ExitCode.notTrusted,
  );
}

async function unsignedTag({ narrator, bob, mallory, work }: Cast, name: string): Promise<void> {
  narrator.chapter('Mallory pushes a new tag that nobody signed');
  await narrator.command(mallory, [
    'push',
    '--disable-content-trust',
    '--from',
    `oci:${join(work, 'evil')}`,
    `${name}:2.0`,
  ]);
  const pulled = await narrator.command(bob, ['pull', '--output', `oci:${join(work, 'unsigned')}`, `${name}:2.0`]);
  narrator.expect('the unsigned tag is refused with exit code 3', pulled.exitCode === ExitCode.notTrusted);
}

/** Whether a layout holds the manifest of that digest, whole. */
function holds(directory: string, digest: string): boolean {
  try {
    const index = readFileSync(join(directory, 'index.json'), 'utf8');
    const blob = readFileSync(join(directory, 'blobs', 'sha256', digest.slice('sha256:'.length)));
    return index.includes(digest) && digestOf(new Uint8Array(blob)) === digest;
  } catch {
    return false;
  }
}
