// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { Exercise, Names, Person } from '../exercise.ts';
import type { Stage } from '../stage.ts';
import {
  act,
  aliceSigns,
  bobTrusts,
  fails,
  isRefused,
  means,
  push,
  pushUnsigned,
  runs,
  signDigest,
  verify,
} from './steps.ts';

const part = 'Steal and recover';

const signedImages = [aliceSigns, bobTrusts];
const evilIsThere = runs(
  'mallory',
  pushUnsigned('evil', 'evil'),
  "Mallory's image lies in the registry, signed by nobody",
);

export const THEFTS: readonly Exercise[] = [
  {
    slug: 'stolen-delegation-key',
    title: 'Steal a delegation key, and recover',
    part,
    about:
      "Carol's laptop is stolen while it is unlocked. Until somebody notices, Mallory signs as Carol: for the tags that her delegation covers, no check can tell them apart. Alice takes the delegation away, signs what was right, and from then on the stolen key is worth nothing.",
    rule: 'after recovery: signatures below the threshold (5.6.3)',
    steps: [
      ...signedImages,
      runs(
        'carol',
        (names) => ['key', 'generate', '--role', 'carol', '--output', names.file('carol.pem')],
        'Carol has a key',
      ),
      runs('alice', delegates('targets/carol'), 'and may sign'),
      runs('alice', delegates('targets/releases'), 'and release'),
      runs('carol', push('good', '1.0'), 'Carol releases the tag'),
      evilIsThere,
      act("Mallory takes Carol's key file and has watched her type the passphrase", (stage, names) =>
        stealAll(stage, names, 'carol'),
      ),
      runs('mallory', signDigest('1.0', 'evil'), 'Mallory signs his image as Carol'),
      runs('bob', verify('1.0'), 'this is the damage: Bob trusts it', means('evil')),
      runs(
        'alice',
        (names) => ['delegation', 'remove', names.repository, 'targets/releases', '--yes'],
        'Alice takes the delegations away',
      ),
      runs('alice', (names) => ['delegation', 'remove', names.repository, 'targets/carol', '--yes'], 'both of them'),
      runs('alice', signDigest('1.0', 'good'), 'and signs what was right'),
      runs('bob', verify('1.0'), 'Bob is back on the good image', means('good')),
      fails('mallory', signDigest('1.0', 'evil'), 'the stolen key signs nothing any more'),
    ],
  },
  {
    slug: 'stolen-targets-key',
    title: 'Steal the targets key, and recover',
    part,
    about:
      'The targets key of a repository can sign every tag of it, so this is the worst theft short of root. Alice still has the root key, which is why it belongs on another medium. With it she names a new targets key, and everybody follows: clients refuse the old key as soon as they see the new root.',
    rule: 'after recovery: the new root names other keys (5.3, 5.6.3)',
    steps: [
      ...signedImages,
      evilIsThere,
      act('Mallory takes the file of the targets key, and its passphrase', (stage, names) =>
        stage.stealKeys(names.home('alice'), names.home('mallory'), (file) => !isRootKey(file)),
      ),
      runs('mallory', signDigest('1.0', 'evil'), 'Mallory signs his image for the tag'),
      runs('bob', verify('1.0'), 'this is the damage: Bob trusts it', means('evil')),
      runs(
        'alice',
        (names) => ['key', 'rotate', names.repository, 'targets'],
        'Alice names a new targets key in a new root',
      ),
      runs('alice', signDigest('1.0', 'good'), 'and signs what was right'),
      runs('bob', verify('1.0'), 'Bob follows the new root by himself', means('good')),
      fails('mallory', signDigest('1.0', 'evil'), 'the stolen key signs nothing any more'),
    ],
  },
  {
    slug: 'taken-server',
    title: 'Take over the trust server, and recover',
    part,
    about:
      'Mallory owns the trust server with its snapshot and timestamp keys, and can say of any old state that it is the newest. He cannot make up a tag: that takes the targets key, which was never on the server. Bob, who has seen newer, refuses to go back; Dave, who comes for the first time, cannot know better until Alice names new server keys.',
    rule: 'targets signatures (5.6.3), rollback of targets (5.6.4), rotated timestamp key (5.3.11)',
    steps: [
      aliceSigns,
      act('Mallory keeps what the server serves today', (stage, names) => stage.attacker.record(names.repository)),
      runs('alice', push('better', '1.0'), 'Alice signs a new image for the tag'),
      runs('bob', verify('1.0'), 'Bob has seen it', means('better')),
      act("Mallory, with the server's keys, makes up targets in which the tag means his image", (stage, names) =>
        stage.attacker.forgeTag(names.repository, '1.0', names.images.evil.digest),
      ),
      isRefused('bob', verify('1.0'), "refused: the server's keys cannot sign for a tag"),
      isRefused('dave', verify('1.0'), 'refused by a newcomer as well'),
      act('Mallory signs a new snapshot and timestamp over the old targets', async (stage, names) => {
        stage.attacker.behave();
        await stage.attacker.rollBackWithServerKeys(names.repository);
      }),
      isRefused('bob', verify('1.0'), 'refused: Bob has trusted newer targets'),
      runs('dave', verify('1.0'), 'the damage: a newcomer is given the state of yesterday', means('good')),
      act('Alice has the server cleaned', (stage) => stage.attacker.behave()),
      runs(
        'alice',
        (names) => ['key', 'rotate', names.repository, 'timestamp', '--server-managed'],
        'and names a new timestamp key',
      ),
      runs(
        'alice',
        (names) => ['key', 'rotate', names.repository, 'snapshot', '--server-managed'],
        'and a new snapshot key',
      ),
      runs('dave', verify('1.0'), 'Dave is led to the newest', means('better')),
      act('Mallory tries once more with the keys that he stole', (stage, names) =>
        stage.attacker.rollBackWithServerKeys(names.repository),
      ),
      isRefused('dave', verify('1.0'), 'refused: the root names other keys now'),
    ],
  },
];

function delegates(role: string) {
  return (names: Names) => ['delegation', 'add', names.repository, role, names.file('carol.pem'), '--all-paths'];
}

function stealAll(stage: Stage, names: Names, from: Person): Promise<void> {
  return stage.stealKeys(names.home(from), names.home('mallory'), () => true);
}

/** Key files say what they are for in their PEM header. */
function isRootKey(file: string): boolean {
  return /^role: root$/m.test(readFileSync(file, 'utf8'));
}
