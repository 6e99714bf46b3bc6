// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDelegationKey } from './support/certificates.ts';
import { promise } from './support/journal.ts';
import { tableRows } from './support/notary-world.ts';
import { trustServerUnderTest } from './support/programs.ts';
import { REPOSITORY_PASSPHRASE, type User } from './support/users.ts';
import { openWorld, START_MILLISECONDS, type World } from './support/world.ts';

const RELEASES = 'targets/releases';

describe('thresholds: m of n people sign one after another, each on a machine of their own', () => {
  let world: World;
  let owner: User;
  let reader: User;
  /** Three people with a key each; two of them must sign a release. */
  let people: User[];
  let repository: string;
  let certificates: string[];

  beforeAll(async () => {
    world = await openWorld(trustServerUnderTest());
    [owner, reader] = [world.user('owner'), world.user('reader')];
    people = ['alice', 'bob', 'carol'].map((name) => world.user(name));
    repository = `${world.registry}/interop/thresholds`;
    const directory = world.stage.makeDirectory('signer-keys');
    certificates = [];
    for (const [index, name] of ['alice', 'bob', 'carol'].entries()) {
      const { key, crt } = await makeDelegationKey(directory, name);
      certificates.push(crt);
      const loaded = await people[index]?.docker('trust', 'key', 'load', key, '--name', name);
      expect(loaded?.code).toBe(0);
    }
    await world.image(`${repository}:first`, 'content of first');
    expect((await owner.docker('push', `${repository}:first`)).code).toBe(0);
    await world.image(`${repository}:2`, 'content of 2');
    await owner.untrusted('push', `${repository}:2`);
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  const person = (index: number): User => people[index] as User;
  /** The staged file as it reaches another machine. */
  const hand = (from: User, to: User, name: string): string => {
    const path = join(to.home, name);
    writeFileSync(path, readFileSync(join(from.home, name)));
    return path;
  };
  const verify = async (tag: string) => (await reader.hallmark('verify', `${repository}:${tag}`)).code;

  promise('a delegation needs two of three keys, given as certificates', async () => {
    const add = await owner.hallmark(
      'delegation',
      'add',
      repository,
      RELEASES,
      ...certificates,
      '--all-paths',
      '--threshold',
      '2',
    );
    expect(add).toMatchObject({ code: 0 });
    expect(add.stdout).toStartWith(`Delegation ${RELEASES}: 2 of 3 keys must sign, paths "" <all paths>\n`);
    const json = await reader.hallmark('delegation', 'list', repository, '--json');
    expect(JSON.parse(json.stdout).delegations).toMatchObject([{ role: RELEASES, threshold: 2, state: 'unsigned' }]);
  });

  promise('one of them alone publishes nothing', async () => {
    const alone = await person(0).hallmark('sign', `${repository}:2`);
    expect(alone.code).toBe(1);
    expect(await verify('2')).toBe(3);
  });

  promise('the first stages the release: nothing is published, and the file says who is missing', async () => {
    const staged = await person(0).hallmark('sign', '--stage', 'release', `${repository}:2`);
    expect(staged).toMatchObject({ code: 0, stdout: 'Staged release: nothing is published yet\n' });
    expect(staged.stderr).toContain(`${RELEASES}: new, 1, expires `);
    expect(staged.stderr).toMatch(/ {2}\+ tag 2 sha256:[0-9a-f]{64} \(\d+ bytes\)/);
    expect(staged.stderr).toMatch(/targets\/releases needs 1 more of [0-9a-f]{64}, [0-9a-f]{64}\n/);
    expect(await verify('2')).toBe(3);
    const early = await person(0).hallmark('publish', 'release');
    expect(early.code).toBe(1);
    expect(early.stderr).toContain(`signing keys of ${RELEASES} not available: 1 more of `);
  });

  promise('the second sees what is signed and is asked for consent before their key signs it', async () => {
    const file = hand(person(0), person(1), 'release');
    const unasked = await person(1).hallmark('cosign', 'release');
    expect(unasked).toMatchObject({ code: 2, stdout: '' });
    expect(readFileSync(file)).toEqual(readFileSync(join(person(0).home, 'release')));
    const signed = await person(1).hallmark('cosign', 'release', '--yes', '--json');
    expect(signed.code).toBe(0);
    const answer = JSON.parse(signed.stdout);
    expect(answer).toMatchObject({ gun: repository, complete: true, roles: [{ role: RELEASES, missing: [] }] });
    expect(answer.roles[0].tags).toMatchObject([{ tag: '2' }]);
    expect(answer.roles[0].signed).toHaveLength(2);
  });

  promise('anybody publishes the complete file, and docker, notary and hallmark trust it', async () => {
    hand(person(1), person(2), 'release');
    const published = await person(2).hallmark('publish', 'release');
    expect(published).toMatchObject({ code: 0, stdout: `Published release: ${RELEASES} of ${repository}\n` });
    expect(await verify('2')).toBe(0);
    await reader.untrusted('rmi', '--force', `${repository}:2`);
    expect((await reader.docker('pull', `${repository}:2`)).code).toBe(0);
    const rows = tableRows((await reader.notary('list', repository, '-r', RELEASES)).stdout);
    expect(rows.map(([name, , , role]) => [name, role])).toEqual([['2', RELEASES]]);
  });

  promise('a staged file that was overtaken is refused as a conflict, by cosign and by publish', async () => {
    await world.image(`${repository}:3`, 'content of 3');
    await owner.untrusted('push', `${repository}:3`);
    for (const name of ['late', 'quick']) {
      expect((await person(0).hallmark('sign', '--stage', name, `${repository}:3`)).code).toBe(0);
      hand(person(0), person(1), name);
      expect((await person(1).hallmark('cosign', name, '-y')).code).toBe(0);
    }
    expect((await person(1).hallmark('publish', 'quick')).code).toBe(0);
    for (const command of [
      ['publish', 'late'],
      ['cosign', 'late', '-y'],
    ]) {
      const refused = await person(1).hallmark(...command);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(`${RELEASES} 2 was staged on another state: the repository has version 2`);
    }
  });

  promise('a revocation is staged and cosigned in the same way', async () => {
    expect((await person(1).hallmark('revoke', '--stage', 'revocation', `${repository}:3`)).code).toBe(0);
    hand(person(1), person(2), 'revocation');
    const no = person(2).hallmarkOnTerminal('cosign', 'revocation');
    await no.expect(/ {2}- tag 3, was sha256:[0-9a-f]{64} /);
    await no.expect(/Sign these changes\? \[y\/N\] $/);
    no.send('n\n');
    expect(await no.exit()).toBe(2);
    expect((await person(2).hallmark('publish', 'revocation')).code).toBe(1);
    const yes = person(2).hallmarkOnTerminal('cosign', 'revocation');
    await yes.expect(/Sign these changes\? \[y\/N\] $/);
    yes.send('y\n');
    await yes.expect(/Enter passphrase for carol key with ID [0-9a-f]{7}: $/);
    await yes.sendSecret(REPOSITORY_PASSPHRASE);
    expect(await yes.exit()).toBe(0);
    expect((await person(2).hallmark('publish', 'revocation')).code).toBe(0);
    expect(await verify('3')).toBe(3);
    expect((await reader.docker('pull', `${repository}:3`)).code).toBe(1);
  });

  promise('a threshold is lowered to one, and then one of them publishes alone', async () => {
    expect((await owner.hallmark('delegation', 'add', repository, RELEASES, '--threshold', '1')).code).toBe(0);
    expect((await person(2).hallmark('sign', `${repository}:3`)).code).toBe(0);
    expect(await verify('3')).toBe(0);
  });

  promise(
    'targets themselves need two of two: staged by the owner of the root, signed by both, followed by everybody',
    async () => {
      const app = `${world.registry}/interop/two-of-two`;
      for (const tag of ['1', '2']) await world.image(`${app}:${tag}`, `two of two: ${tag}`);
      await owner.docker('push', `${app}:1`);
      await owner.untrusted('push', `${app}:2`);
      const [alice, bob] = [person(0), person(1)];
      const keys: string[] = [];
      for (const holder of [alice, bob]) {
        const file = join(holder.home, 'targets.pub');
        const made = await holder.hallmark('key', 'generate', '--role', 'targets', '--gun', app, '--output', file);
        expect(made.code).toBe(0);
        keys.push('--key', file);
      }
      const staged = await owner.hallmark(
        'key',
        'rotate',
        app,
        'targets',
        ...keys,
        '--threshold',
        '2',
        '--stage',
        'both',
      );
      expect(staged.code).toBe(0);
      expect(staged.stderr).toContain('  ~ targets needs 2 of 2 keys, was 1\n');
      await handOn('both', [owner, alice, bob]);
      expect((await bob.hallmark('publish', 'both')).code).toBe(0);
      expect((await owner.hallmark('sign', `${app}:2`)).code).toBe(1);
      expect((await alice.hallmark('sign', `${app}:2`)).code).toBe(1);
      expect((await alice.hallmark('sign', '--stage', 'second', `${app}:2`)).code).toBe(0);
      await handOn('second', [alice, bob]);
      expect((await bob.hallmark('publish', 'second')).code).toBe(0);
      for (const tag of ['1', '2']) {
        expect((await reader.hallmark('verify', `${app}:${tag}`)).code).toBe(0);
        expect((await reader.docker('pull', `${app}:${tag}`)).code).toBe(0);
        expect((await reader.notary('lookup', app, tag)).code).toBe(0);
      }
    },
  );

  /** The first has staged the file; each of the others signs it in turn. */
  async function handOn(name: string, chain: readonly User[]): Promise<void> {
    for (const [index, to] of chain.slice(1).entries()) {
      hand(chain[index] as User, to, name);
      expect((await to.hallmark('cosign', name, '--yes')).code).toBe(0);
    }
  }

  promise('S9 a threshold above the number of keys is refused before anything is sent', async () => {
    const refused = await owner.hallmark('delegation', 'add', repository, RELEASES, '--threshold', '4');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('cannot need 4 signatures of 3 keys');
  });
});
