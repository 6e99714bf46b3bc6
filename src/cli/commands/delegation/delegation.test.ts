// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandLineWorld, openWorld, type Ran } from '../../../../test/support/command-line.ts';
import { writeImage } from '../../../lab/index.ts';
import { openKeyStore, PrivateKey } from '../../../signing/index.ts';

let world: CommandLineWorld;
let repository: string;
const ALICE = 'targets/alice';

beforeAll(async () => {
  world = await openWorld();
  await writeImage(join(world.directory, 'image'), 'something to sign');
});
let count = 0;
beforeEach(async () => {
  repository = `${world.registryHost}/delegations/app${++count}`;
  const push = await world.run('owner', ['push', '--from', `oci:${join(world.directory, 'image')}`, `${repository}:1`]);
  expect(push.exitCode).toBe(0);
});
afterAll(() => world?.close());

/** A key in a user's trust directory; the file of its public half. */
async function keyOf(user: string): Promise<{ readonly file: string; readonly keyId: string }> {
  const key = PrivateKey.generate();
  await openKeyStore(world.trustDirectory(user)).add(key, { role: user }, 'repository-passphrase-of-tests');
  const file = join(world.directory, `${user}-${key.keyId.slice(0, 7)}.pem`);
  writeFileSync(file, createPublicKey(key.object).export({ format: 'pem', type: 'spki' }));
  return { file, keyId: key.keyId };
}

const owner = (...argv: string[]): Promise<Ran> => world.run('owner', ['delegation', ...argv]);
const listed = async () => JSON.parse((await owner('list', repository, '--json')).stdout).delegations;

describe('hallmark delegation', () => {
  test('add, list, change and remove a delegation, each told in words and as JSON', async () => {
    const [alice, other] = [await keyOf('alice'), await keyOf('alice')];
    const added = await owner('add', repository, ALICE, alice.file, '--path', '1.', '--json');
    expect(JSON.parse(added.stdout)).toMatchObject({
      gun: repository,
      role: ALICE,
      keys: [alice.keyId],
      threshold: 1,
      paths: ['1.'],
      published: ['targets'],
    });
    const more = await owner('add', repository, ALICE, other.file, '--path', '2.', '--threshold', '2');
    expect(more.stdout).toBe(`Delegation ${ALICE}: 2 of 2 keys must sign, paths 1., 2.\n  + key ${other.keyId}\n`);
    expect(await listed()).toMatchObject([{ role: ALICE, threshold: 2, state: 'unsigned', paths: ['1.', '2.'] }]);

    const unreachable = await owner('remove', repository, ALICE, other.keyId);
    expect(unreachable.exitCode).toBe(1);
    expect(unreachable.stderr).toContain('cannot need 2 signatures of 1 keys');
    const fewer = await owner('remove', repository, ALICE, other.keyId.slice(0, 9), '--path', '2.', '--threshold', '1');
    expect(fewer.stdout).toBe(`Delegation ${ALICE}: 1 of 1 keys must sign\n  - key ${other.keyId}\n  - path 2.\n`);

    const unasked = await owner('remove', repository, ALICE);
    expect(unasked.exitCode).toBe(2);
    expect((await owner('remove', repository, ALICE, '--yes')).stdout).toBe(
      `Delegation ${ALICE} is removed, with all that it signed\n`,
    );
    expect(await listed()).toEqual([]);
    expect((await owner('list', repository)).stdout).toBe(`No delegations in ${repository}\n`);
  });

  test('purge takes a key from every delegation that has it', async () => {
    const [stolen, kept] = [await keyOf('carol'), await keyOf('carol')];
    for (const role of ['targets/a', 'targets/b'])
      expect((await owner('add', repository, role, stolen.file, kept.file, '--all-paths')).exitCode).toBe(0);
    const purged = await owner('purge', repository, '--key', stolen.keyId);
    expect(purged.stdout).toBe(`Removed ${stolen.keyId} from targets/a, targets/b\n`);
    expect((await listed()).flatMap(({ keys }: { keys: string[] }) => keys)).toEqual([kept.keyId, kept.keyId]);
    expect((await owner('purge', repository, '--key', stolen.keyId)).exitCode).toBe(1);
  });

  test('a name that is misspelt becomes no new repository, and leaves no key behind', async () => {
    const { file } = await keyOf('dora');
    const typo = await world.run('stranger', ['delegation', 'add', `${repository}s`, ALICE, file, '--all-paths']);
    expect(typo.exitCode).toBe(1);
    expect(typo.stderr).toContain('has no trust data');
    expect(existsSync(join(world.trustDirectory('stranger'), 'private'))).toBe(false);
  });

  test('what cannot be meant is told before anything is sent', async () => {
    const { file } = await keyOf('erin');
    expect((await owner('add', repository, 'targets/a', file, '--all-paths')).exitCode).toBe(0);
    const privateFile = join(world.directory, 'private.pem');
    writeFileSync(privateFile, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
    for (const argv of [
      ['add', repository, ALICE],
      ['add', repository, 'targets/new', file],
      ['add', repository, 'targets/new', '--all-paths'],
      ['add', repository, 'targets', file, '--all-paths'],
      ['add', repository, 'alice', file, '--all-paths'],
      ['add', repository, 'targets/no/parent', file, '--all-paths'],
      ['add', `${repository}:1`, ALICE, file, '--all-paths'],
      ['add', repository, ALICE, privateFile, '--all-paths'],
      ['add', repository, ALICE, '/nonexistent', '--all-paths'],
      ['add', repository, ALICE, file, '--all-paths', '--threshold', '0'],
      ['remove', repository, 'targets/unknown', '-y'],
      ['remove', repository, 'targets/a', 'f'.repeat(64)],
      ['remove', repository, 'targets/a', 'abc'],
      ['restart', repository, 'targets/a'],
      ['purge', repository, '--key', 'abc'],
    ]) {
      const refused = await owner(...argv);
      expect([argv, refused.exitCode === 0, refused.stdout]).toEqual([argv, false, '']);
      expect(refused.stderr).not.toContain('internal error');
    }
  });
});

describe('staged files on the command line', () => {
  const path = (name: string) => join(world.directory, `${name}-${count}.staged`);

  test('a change of delegations is staged by one who holds no key, signed by another, and published', async () => {
    const { file, keyId } = await keyOf('frank');
    const staged = await world.run('reader', [
      ...['delegation', 'add', repository, 'targets/frank', file, '--all-paths', '--stage', path('frank'), '--json'],
    ]);
    expect(JSON.parse(staged.stdout)).toMatchObject({
      file: path('frank'),
      gun: repository,
      complete: false,
      roles: [{ role: 'targets', keys: [{ role: 'targets/frank', isNew: true, addedKeys: [keyId] }], signed: [] }],
    });
    const shown = await world.run('owner', ['cosign', '--show', path('frank')]);
    expect(shown.stderr).toContain(
      `  + targets/frank needs 1 of 1 keys\n      + key ${keyId}\n      + path "" <all paths>`,
    );
    expect((await world.run('owner', ['cosign', path('frank'), '--yes'])).exitCode).toBe(0);
    expect((await world.run('reader', ['publish', path('frank')])).exitCode).toBe(0);
    expect((await listed()).map(({ role }: { role: string }) => role)).toContain('targets/frank');
  });

  const delegateToFrank = async () => {
    const { file } = await keyOf('frank');
    expect((await owner('add', repository, 'targets/frank', file, '--all-paths')).exitCode).toBe(0);
  };

  test('a staged file is never overwritten: it may hold the signatures of others', async () => {
    await delegateToFrank();
    const remove = ['delegation', 'remove', repository, 'targets/frank', '--stage', path('frank')];
    expect((await world.run('owner', remove)).exitCode).toBe(0);
    const before = readFileSync(path('frank'));
    const again = await world.run('owner', remove);
    expect(again.exitCode).toBe(2);
    expect(readFileSync(path('frank'))).toEqual(before);
  });

  test('S22 a tag whose name would command the terminal is shown as what it is', async () => {
    await delegateToFrank();
    const staged = await world.run('owner', [
      ...['delegation', 'remove', repository, 'targets/frank', '--stage', path('hostile')],
    ]);
    expect(staged.exitCode).toBe(0);
    const document = JSON.parse(readFileSync(path('hostile'), 'utf8'));
    const body = JSON.parse(Buffer.from(document.files[0].signed, 'base64').toString());
    const [first] = Object.values(body.targets);
    const text = JSON.stringify({ ...body, targets: { 'x\u202e\u2028y': first } });
    document.files[0].signed = Buffer.from(text).toString('base64');
    writeFileSync(path('hostile'), JSON.stringify(document));
    const shown = await world.run('owner', ['cosign', '--show', path('hostile')]);
    expect(shown.exitCode).toBe(0);
    expect(shown.stderr).not.toMatch(/[\u202e\u2028]/);
    expect(shown.stderr).toContain('x\\u{202e}\\u{2028}y');
  });

  test('a file that is none is refused on one line', async () => {
    writeFileSync(path('nonsense'), '{"format":"hallmark-staged-update-1"}');
    for (const command of ['cosign', 'publish']) {
      const refused = await world.run('owner', [command, path('nonsense')]);
      expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
      expect(refused.stderr).toContain(path('nonsense'));
    }
    expect((await world.run('owner', ['cosign', '/nonexistent'])).exitCode).toBe(2);
  });
});
