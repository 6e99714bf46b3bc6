// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandLineWorld, openWorld } from '../../../../test/support/command-line.ts';
import { pushTinyImage } from '../../../../test/support/tiny-image.ts';
import { canonicalKeyId, keyId, leafCertificate, notaryV1, type Root } from '../../../tuf/index.ts';

const START = new Date('2026-11-22T12:00:00Z');
const DAY = 86_400_000;

let world: CommandLineWorld;
let gun: string;
let now = START;
const worlds: CommandLineWorld[] = [];

beforeEach(async () => {
  now = START;
  world = await openWorld(() => now);
  worlds.push(world);
  gun = `${world.registryHost}/app`;
  await pushTinyImage(world.registryHost, 'app', '1');
  expect((await owner('sign', `${gun}:1`)).exitCode).toBe(0);
  await expectTrusted('follower');
});
afterAll(() => Promise.all(worlds.map((one) => one.close())));

const owner = (...argv: readonly string[]) => world.run('owner', argv);

async function expectTrusted(user: string): Promise<void> {
  const verified = await world.run(user, ['verify', `${gun}:1`]);
  expect(verified).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('@sha256:') });
}

let newcomers = 0;
/** After a rotation: the owner can sign on, and whoever knew the repository, or did not, trusts it. */
async function expectEverybodyGoesOn(): Promise<void> {
  expect(await owner('sign', `${gun}:1`)).toMatchObject({ exitCode: 0 });
  await expectTrusted('follower');
  newcomers += 1;
  await expectTrusted(`newcomer-${newcomers}`);
}

async function rotated(...argv: readonly string[]) {
  const ran = await owner('key', 'rotate', gun, ...argv, '--json');
  expect(ran).toMatchObject({ exitCode: 0 });
  return JSON.parse(ran.stdout);
}

function rootOf(user: string): Root {
  const path = join(world.trustDirectory(user), 'tuf', gun, 'metadata/root.json');
  return notaryV1.decode('root', new Uint8Array(readFileSync(path))).signed;
}

function keyFiles(user = 'owner'): string[] {
  return readdirSync(join(world.trustDirectory(user), 'private')).sort();
}

async function listed(role: string): Promise<string[]> {
  const { keys } = JSON.parse((await owner('key', 'list', '--json')).stdout);
  return keys.filter((key: { role: string }) => key.role === role).map(({ keyId: id }: { keyId: string }) => id);
}

async function generated(...argv: readonly string[]): Promise<string> {
  return JSON.parse((await owner('key', 'generate', '--json', ...argv)).stdout).keyId;
}

describe('key rotate', () => {
  test('a new targets key is followed by everybody, and the old one leaves the machine', async () => {
    const [old] = await listed('targets');

    const ran = await owner('key', 'rotate', gun, 'targets');

    expect(ran).toMatchObject({ exitCode: 0, stdout: `Successfully rotated targets key for repository ${gun}\n` });
    expect(ran.stderr).toContain(`removed the replaced targets key ${old} from this machine\n`);
    const now = await listed('targets');
    expect(now).toHaveLength(1);
    expect(now).not.toEqual([old as string]);
    await expectEverybodyGoesOn();
  });

  test('--keep-old keeps it', async () => {
    const [old] = await listed('targets');

    const { removed, keyIds } = await rotated('targets', '--keep-old');

    expect(removed).toEqual([]);
    expect([...(await listed('targets'))].sort()).toEqual([old as string, ...keyIds].sort());
  });

  test('the snapshot key goes from the server to the owner and back, the timestamp key stays at the server', async () => {
    expect(await rotated('snapshot')).toMatchObject({ serverManaged: false, rootVersion: 2 });
    expect(await listed('snapshot')).toHaveLength(1);
    await expectEverybodyGoesOn();

    expect(await rotated('snapshot', '--server-managed')).toMatchObject({ serverManaged: true, rootVersion: 3 });
    expect(await listed('snapshot')).toEqual([]);
    await expectEverybodyGoesOn();

    expect(await rotated('timestamp')).toMatchObject({ serverManaged: true, rootVersion: 4, removed: [] });
    await expectEverybodyGoesOn();
  });

  test('a root rotation is signed by old and new, and the old root key stays', async () => {
    const [old] = await listed('root');

    const { keyIds, rootVersion } = await rotated('root');

    expect(rootVersion).toBe(2);
    expect([...(await listed('root'))].sort()).toEqual([old as string, ...keyIds].sort());
    await expectEverybodyGoesOn();
    const bytes = readFileSync(join(world.trustDirectory('follower'), 'tuf', gun, 'metadata/root.json'));
    expect(notaryV1.decode('root', new Uint8Array(bytes)).signatures).toHaveLength(2);
  });

  test('who slept through three root rotations follows the chain', async () => {
    for (let version = 2; version <= 4; version++) expect((await rotated('root')).rootVersion).toBe(version);

    await expectEverybodyGoesOn();

    expect(rootOf('follower').version as number).toBe(4);
  });

  test('two root keys of which both must sign, given by ID', async () => {
    const [one] = await listed('root');
    const two = await generated('--role', 'root');

    const answer = await rotated('root', '--key', one as string, '--key', two.slice(0, 10), '--threshold', '2');

    expect(answer).toMatchObject({ threshold: 2, keyIds: [one, two] });
    await expectEverybodyGoesOn();
    expect(rootOf('follower').roles.get('root')?.threshold).toBe(2);
    // one new key alone would make the root need one signature only, without a word
    const fewer = await owner('key', 'rotate', gun, 'root');
    expect(fewer).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('say --threshold 1') });
  });

  test('a key comes from a private key file, which is stored, and a public key of somebody else beside it', async () => {
    const other = JSON.parse(
      (
        await world.run('other', [
          'key',
          'generate',
          '--role',
          'alice',
          '--output',
          join(world.directory, 'alice.pub'),
          '--json',
        ])
      ).stdout,
    ).keyId;
    const own = await generated('--role', 'targets', '--gun', gun);
    await owner('key', 'export', own, '-o', join(world.directory, 'own.pem'));
    await owner('key', 'remove', own, '--yes');

    const { keyIds } = await rotated(
      'targets',
      ...['--key', join(world.directory, 'own.pem'), '--key', join(world.directory, 'alice.pub')],
    );

    expect(keyIds).toEqual([own, other]);
    expect(await listed('targets')).toEqual([own]);
    await expectEverybodyGoesOn();
  });

  test('what no role allows is refused with 2, before a key is made', async () => {
    const before = keyFiles();
    for (const [argv, words] of [
      [['targets', '--server-managed'], 'notary does not permit the server managing the targets key'],
      [['root', '--server-managed'], 'notary does not permit the server managing the root key'],
      [['timestamp', '--key', 'f'.repeat(64)], 'notary does not permit the client managing the timestamp key'],
      [['targets/releases'], 'hallmark delegation'],
      [['nonsense'], 'notary does not currently permit rotating the nonsense key'],
      [['targets', '--threshold', '2'], 'cannot need more signatures than it has keys'],
      [['targets', '--threshold', '0'], 'no number of keys'],
      [['snapshot', '--server-managed', '--threshold', '1'], '--key and --threshold are for your own'],
    ] as const)
      expect(await owner('key', 'rotate', gun, ...argv)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(words),
      });
    expect(await owner('key', 'rotate', `${gun}:1`, 'targets')).toMatchObject({ exitCode: 2 });
    expect(keyFiles()).toEqual(before);
  });

  test('a repository that does not exist is not trusted, and gets no key', async () => {
    const before = keyFiles();

    const ran = await owner('key', 'rotate', `${world.registryHost}/ap`, 'targets');

    expect(ran.exitCode).toBe(3);
    expect(keyFiles()).toEqual(before);
  });

  test('the owner of another machine, without the root key, is told which key must sign', async () => {
    const [root] = await listed('root');

    const ran = await world.run('follower', ['key', 'rotate', gun, 'targets']);
    const { keys } = JSON.parse((await world.run('follower', ['key', 'list', '--json'])).stdout);

    expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(root as string) });
    expect(keys).toEqual([]);
    await expectEverybodyGoesOn();
  });

  test('when the answer is lost the new key is kept, and the rotation can be done with it', async () => {
    world.betweenTrust = async (request, next) =>
      request.method === 'POST' ? new Response('gone', { status: 502 }) : next(request);
    const lost = await owner('key', 'rotate', gun, 'targets');
    world.betweenTrust = (request, next) => next(request);

    const [, kept] = /to go on with them, add (--key [0-9a-f]{12})\n/.exec(lost.stderr) ?? [];
    expect(lost.exitCode).toBe(1);
    expect(await listed('targets')).toHaveLength(2);
    expect(await rotated('targets', ...(kept ?? '').split(' '))).toMatchObject({ removed: [expect.any(String)] });
    await expectEverybodyGoesOn();
  });
});

describe('key renew-certificate', () => {
  test('the key stays, the certificate is new, and the root is the next version', async () => {
    const before = rootOf('follower');
    now = new Date(START.getTime() + 2 * 365 * DAY);

    const ran = await owner('key', 'renew-certificate', gun, '--json');

    expect(ran).toMatchObject({ exitCode: 0 });
    const [{ keyId: id, certificateId, expires }] = JSON.parse(ran.stdout).certificates;
    await expectTrusted('follower');
    const after = rootOf('follower');
    const [old, renewed] = [before, after].map((root) => root.keys.get(root.roles.get('root')?.keyIds[0] as never));
    if (old === undefined || renewed === undefined) throw new Error('a root without its key');
    expect(after.version as number).toBe(2);
    expect(canonicalKeyId(renewed)).toBe(canonicalKeyId(old));
    expect([id, certificateId]).toEqual([canonicalKeyId(old), keyId(renewed)]);
    expect(keyId(renewed)).not.toBe(keyId(old));
    expect(new Date(leafCertificate(renewed).validTo).toISOString()).toBe(expires);
    expect(Date.parse(expires) - now.getTime()).toBe(3650 * DAY);
  });

  test('clients that pinned the key go on, and those that pinned the old certificate go on through the chain', async () => {
    const root = rootOf('follower');
    const certificate = root.keys.get(root.roles.get('root')?.keyIds[0] as never);
    if (certificate === undefined) throw new Error('a root without its key');
    const pins = {
      key: { tofu: false, keys: { [gun]: [canonicalKeyId(certificate)] } },
      certificate: { tofu: false, certs: { [gun]: [keyId(certificate)] } },
      other: { tofu: false, keys: { [gun]: ['f'.repeat(64)] } },
    };
    for (const [user, pin] of Object.entries(pins)) {
      const directory = join(world.trustDirectory(user), 'hallmark');
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeFileSync(join(directory, 'pins.json'), JSON.stringify(pin), { mode: 0o600 });
    }

    expect((await owner('key', 'renew-certificate', gun)).exitCode).toBe(0);

    await expectTrusted('follower');
    await expectTrusted('key');
    await expectTrusted('certificate');
    expect((await world.run('other', ['verify', `${gun}:1`])).exitCode).toBe(3);
  });
});
