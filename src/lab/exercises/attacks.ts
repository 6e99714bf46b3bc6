// SPDX-License-Identifier: Apache-2.0
import type { Exercise } from '../exercise.ts';
import { act, aliceSigns, bobTrusts, isRefused, means, pull, push, pushUnsigned, runs, verify } from './steps.ts';

const part = 'Attack';

export const ATTACKS: readonly Exercise[] = [
  {
    slug: 'moved-tag',
    title: 'Move a tag in the registry',
    part,
    about:
      'Mallory may write to the registry, which is often all it takes. He points the tag at an image of his own. What was signed is a digest, so Bob asks for that, and whoever claims otherwise is told what was signed.',
    rule: 'targets names the digest (5.7.3)',
    steps: [
      aliceSigns,
      bobTrusts,
      runs('mallory', pushUnsigned('evil', '1.0'), "the registry now has Mallory's image under the tag"),
      isRefused(
        'bob',
        (names) => ['verify', `${names.repository}:1.0@${names.images.evil.digest}`],
        "refused: the tag does not mean Mallory's image",
      ),
      runs('bob', verify('1.0'), 'the tag still means what Alice signed', means('good')),
    ],
  },
  {
    slug: 'changed-manifest',
    title: 'Serve other bytes under the signed digest',
    part,
    about:
      'Mallory owns the registry altogether, and answers with changed bytes when the right digest is asked for. The bytes are hashed as they come in. Nothing of them is kept.',
    rule: 'length and hash of the target (5.7.3)',
    steps: [
      aliceSigns,
      act('Mallory changes one byte of the manifest on its way', (stage, names) =>
        stage.attacker.tamper(names.images.good.digest),
      ),
      isRefused('bob', pull('1.0', 'image'), 'refused: the content does not have the digest that was signed'),
    ],
  },
  {
    slug: 'replay',
    title: 'Replay an old timestamp',
    part,
    about:
      'Alice releases a version that mends a hole, and Mallory would rather have Bob stay with the old one. He stands between Bob and the trust server and serves the timestamp of yesterday, which is genuine and signed. Bob has seen a newer one, and remembers its version.',
    rule: 'rollback of the timestamp (5.4.3)',
    steps: [
      aliceSigns,
      act('Mallory keeps a copy of what the trust server serves today', (stage, names) =>
        stage.attacker.record(names.repository),
      ),
      runs('alice', push('better', '1.0'), 'Alice signs a new image for the tag'),
      runs('bob', verify('1.0'), 'Bob has seen the new one', means('better')),
      act('Mallory serves the old timestamp', (stage, names) => stage.attacker.replay(names.repository)),
      isRefused('bob', verify('1.0'), 'refused: lower than the version that Bob trusted before'),
    ],
  },
  {
    slug: 'freeze',
    title: 'Freeze time',
    part,
    about:
      'Mallory lets nothing new through, and serves Bob the same genuine files day after day. Nothing in them is older than what Bob knows, so no version gives it away. But a timestamp is good for two weeks only.',
    rule: 'expiry of the timestamp (5.4.4)',
    steps: [
      aliceSigns,
      bobTrusts,
      act('Mallory keeps what is served today, and serves it from now on', async (stage, names) => {
        await stage.attacker.record(names.repository);
        stage.attacker.replay(names.repository);
      }),
      act('thirteen days go by', (stage) => stage.pass(13)),
      runs('bob', verify('1.0'), 'still good: for so long can one be kept in the dark', means('good')),
      act('two more days go by', (stage) => stage.pass(2)),
      isRefused('bob', verify('1.0'), 'refused: the timestamp has expired, and only the server can sign another'),
    ],
  },
  {
    slug: 'mix-and-match',
    title: 'Mix files of different days',
    part,
    about:
      'Mallory serves the newest timestamp and snapshot, but the targets of yesterday. Each of the three files is genuine. The snapshot says which targets belong to it, by hash, and these do not.',
    rule: 'the snapshot pins every targets file (5.6.2)',
    steps: [
      aliceSigns,
      act('Mallory keeps the targets of today', (stage, names) => stage.attacker.record(names.repository)),
      // a second tag, so that the targets of today are surely the longer: a file of more bytes than are due is cut off
      runs('alice', push('better', '2.0'), 'Alice signs a second tag'),
      act('Mallory serves the old targets under the name of the new', (stage, names) =>
        stage.attacker.mix(names.repository),
      ),
      isRefused('bob', verify('2.0'), 'refused: not the file that the snapshot names'),
    ],
  },
];
