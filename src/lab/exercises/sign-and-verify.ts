// SPDX-License-Identifier: Apache-2.0
import type { Exercise } from '../exercise.ts';
import {
  aliceSigns,
  bobTrusts,
  isRefused,
  means,
  pull,
  pullUnverified,
  push,
  pushUnsigned,
  runs,
  verify,
} from './steps.ts';

const part = 'Sign and verify';

export const SIGN_AND_VERIFY: readonly Exercise[] = [
  {
    slug: 'tags-and-digests',
    title: 'A tag is a name, a digest is the thing',
    part,
    about:
      'A tag can be pointed at another image by whoever may write to the registry. A digest is the hash of the manifest, so it can mean one image only. Watch the same tag give two different images, and the digest always the same one.',
    steps: [
      runs('mallory', pushUnsigned('good', '1.0'), 'the tag names an image'),
      runs('bob', pullUnverified('1.0', 'first'), 'pulled by tag, believed as it came'),
      runs('mallory', pushUnsigned('evil', '1.0'), 'the same tag names another image now'),
      runs('bob', pullUnverified('1.0', 'second'), 'the same command gave another image, and nobody said a word'),
      runs(
        'bob',
        (names) => [
          'pull',
          '--output',
          `oci:${names.file('third')}`,
          `${names.repository}@${names.images.good.digest}`,
        ],
        'pulled by digest: only that image will do',
      ),
    ],
  },
  {
    slug: 'trust-on',
    title: 'Turn content trust on',
    part,
    about:
      'With content trust a tag counts only if somebody signed what it means. A tag that nobody signed is refused with exit code 3, whatever the registry has under it. There is nothing to configure: it is what pull does unless it is told otherwise.',
    rule: 'no root for the repository, so nothing is trusted (5.2)',
    steps: [
      runs('mallory', pushUnsigned('evil', '1.0'), 'an image that nobody signed'),
      isRefused('bob', pull('1.0', 'image'), 'refused: there is no trust data for it'),
    ],
  },
  {
    slug: 'push-signed',
    title: 'Push and sign',
    part,
    about:
      'The first push of a repository makes its keys: root and targets stay with Alice, snapshot and timestamp are made by the server. The tag is signed together with the digest and the size of its manifest. Bob, who never met Alice, pins the root key that he is shown first, and is told so.',
    steps: [
      aliceSigns,
      bobTrusts,
      runs(
        'bob',
        pull('1.0', 'image'),
        'pulled by the digest that was signed; the tag was never asked of the registry',
      ),
    ],
  },
  {
    slug: 'look-at-the-keys',
    title: 'Look at the keys and at what they signed',
    part,
    about:
      'Four roles share the work, so that no single theft costs everything. Root says which keys count, targets says what tags mean, snapshot ties the files of one moment together, and timestamp says that this moment is now. The private keys are files, encrypted with a passphrase, in the directory that Docker uses.',
    steps: [
      aliceSigns,
      runs('alice', () => ['key', 'list'], "Alice's own keys: root and targets, and no others"),
      runs('alice', (names) => ['inspect', '--tree', names.repository], 'who signs for what, and until when'),
      runs(
        'bob',
        (names) => ['inspect', '--pretty', names.repository],
        'Bob sees the same from public data, verified',
        ({ stdout }) => stdout.includes('1.0'),
      ),
    ],
  },
  {
    slug: 'delegate',
    title: 'Let a colleague sign',
    part,
    about:
      'Alice need not share her key to let Carol release. She names the public key of Carol in a delegation, for all tags or for those that begin in some way. What Carol signs counts, and everybody sees that it was her.',
    steps: [
      aliceSigns,
      runs(
        'carol',
        (names) => ['key', 'generate', '--role', 'carol', '--output', names.file('carol.pem')],
        'Carol makes a key: the private half never leaves her machine',
      ),
      runs(
        'alice',
        (names) => ['delegation', 'add', names.repository, 'targets/carol', names.file('carol.pem'), '--all-paths'],
        'Alice lets that key sign every tag as targets/carol',
      ),
      runs(
        'alice',
        (names) => ['delegation', 'add', names.repository, 'targets/releases', names.file('carol.pem'), '--all-paths'],
        'and release: targets/releases is what Docker clients look at first',
      ),
      runs('carol', push('better', '1.1'), 'Carol pushes and signs with her own key'),
      runs('bob', verify('1.1'), 'Bob trusts it', means('better')),
      runs(
        'bob',
        (names) => ['inspect', '--pretty', names.repository],
        'and sees who signed',
        ({ stdout }) => /^1\.1 .*carol/m.test(stdout),
      ),
    ],
  },
];
