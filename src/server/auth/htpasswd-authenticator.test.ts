// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ADMIN,
  ANN,
  about,
  BOB,
  basic,
  closeDoors,
  Door,
  hashOf,
  NOW,
  READ,
  request,
  WRITE,
} from '../../../test/support/htpasswd-door.ts';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { SILENT_LOG } from '../../service/index.ts';
import { type AuthenticationError, AuthenticationSetupError } from './authenticator.ts';
import { type HtpasswdAuthenticatorOptions, htpasswdAuthenticator } from './htpasswd-authenticator.ts';

const scratch = scratchDirectories();

afterAll(closeDoors);

describe('the users of a file', () => {
  test('get in with their password, sent to a route or changed for a token', async () => {
    const door = await new Door().open();

    expect(await door.enter(basic('ann', 'secret-of-ann'), WRITE)).toBe('ann');
    const token = await door.token(basic('bob', 'secret-of-bob'), WRITE);
    expect(await door.enter(token, WRITE)).toBe('bob');
    expect(await door.enter(token, READ)).toBe('bob');
    expect(await door.enter(token, { kind: 'ping' })).toBe('bob');
    // a token is for what it was asked for
    expect(await door.enter(token, ADMIN)).toBeUndefined();
    expect(await door.enter(token, about('example.com/other', 'pull'))).toBeUndefined();
    expect(await door.enter(await door.token(basic('bob', 'secret-of-bob'), ADMIN), ADMIN)).toBe('bob');
  });

  test('nobody gets in with a wrong password, another name, nothing, or something else', async () => {
    const door = await new Door().open();
    const odd = [
      basic('ann', 'secret-of-bob'),
      basic('Ann', 'secret-of-ann'),
      basic('carol', 'secret-of-ann'),
      basic('ann', ''),
      basic('', 'secret-of-ann'),
      basic('ann', 'secret-of-ann\0x'),
      basic('ann', 'x'.repeat(73)),
      basic('__proto__', 'x'),
      'Basic',
      'Basic !!',
      `Basic ${Buffer.from('ann').toString('base64')}`,
      `Basic ${'A'.repeat(9000)}`,
      'Bearer x',
      'Bearer a.b.c',
      'Digest username="ann"',
      '',
      undefined,
    ];
    for (const authorization of odd) expect(await door.enter(authorization, READ)).toBeUndefined();
  });

  test('the challenge names the token service of the host that was asked, or the one configured', async () => {
    const challenge = async (options: Partial<HtpasswdAuthenticatorOptions>, url: string) => {
      const door = await new Door().open(options);
      const made = new Request(url, { headers: { host: new URL(url).host } });
      const error = await door.auth?.authenticate(made, READ).catch((reason: unknown) => reason);
      return (error as AuthenticationError).challenge;
    };
    const rest = 'service="hallmark",scope="repository:example.com/app:pull"';

    expect(await challenge({}, 'https://trust.example.com:4443/v2/')).toBe(
      `Bearer realm="https://trust.example.com:4443/auth/token",${rest}`,
    );
    expect(await challenge({}, 'http://localhost:4443/v2/')).toBe(
      `Bearer realm="http://localhost:4443/auth/token",${rest}`,
    );
    expect(await challenge({ url: 'https://public.example.com/' }, 'http://10.0.0.1/v2/')).toBe(
      `Bearer realm="https://public.example.com/auth/token",${rest}`,
    );
  });

  test('a change of the file counts within a second, for passwords, tokens and what was remembered', async () => {
    const door = await new Door().open();
    const ann = basic('ann', 'secret-of-ann');
    const token = await door.token(ann, WRITE);
    expect(await door.enter(ann, WRITE)).toBe('ann');

    door.write(`ann:${hashOf('another')}`, BOB);
    door.elapsed += 1000;
    expect(await door.enter(ann, WRITE)).toBeUndefined();
    expect(await door.enter(token, WRITE)).toBeUndefined();
    expect(await door.enter(basic('ann', 'another'), WRITE)).toBe('ann');
    door.write(BOB);
    door.elapsed += 1000;
    expect(await door.enter(basic('ann', 'another'), WRITE)).toBeUndefined();
  });

  test('a mistake in the file leaves the users as they were; a file that is gone leaves nobody', async () => {
    const door = await new Door().open();
    const ann = basic('ann', 'secret-of-ann');

    door.write('nonsense');
    door.elapsed += 1000;
    expect(await door.enter(ann, WRITE)).toBe('ann');
    rmSync(door.file);
    door.elapsed += 1000;
    expect(await door.enter(ann, WRITE)).toBeUndefined();
    door.write(ANN);
    door.elapsed += 1000;
    expect(await door.enter(ann, WRITE)).toBe('ann');
  });

  test('a token ends after minutes, and is of no use to another server', async () => {
    const door = await new Door().open();
    const other = await new Door().open();
    const token = await door.token(basic('ann', 'secret-of-ann'), WRITE);

    expect(await other.enter(token, WRITE)).toBeUndefined();
    door.now += 304_000;
    expect(await door.enter(token, WRITE)).toBe('ann');
    door.now += 2000;
    expect(await door.enter(token, WRITE)).toBeUndefined();
  });

  test('replicas that share a key take the tokens of each other', async () => {
    const tokenKey = join(scratch(), 'token.key');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(tokenKey, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const [door, other] = [await new Door().open({ tokenKey }), await new Door().open({ tokenKey })];

    expect(await other.enter(await door.token(basic('ann', 'secret-of-ann'), WRITE), WRITE)).toBe('ann');
    writeFileSync(tokenKey, 'nonsense');
    await expect(new Door().open({ tokenKey })).rejects.toBeInstanceOf(AuthenticationSetupError);
  });

  test('a token without credentials grants nothing, or pulling where everybody may', async () => {
    const closed = await new Door().open();
    const open = await new Door().open({ publicRead: true });

    expect(await closed.enter(await closed.token(undefined, WRITE), READ)).toBeUndefined();
    expect(await open.enter(await open.token(undefined, WRITE), READ)).toBe('anonymous');
    expect(await open.enter(await open.token(undefined, WRITE), WRITE)).toBeUndefined();
    expect(await open.enter(await open.token(undefined, { kind: 'catalog' }), { kind: 'catalog' })).toBeUndefined();
    expect(await open.enter(await open.token(undefined, WRITE), { kind: 'ping' })).toBeUndefined();
    expect(await open.enter(undefined, READ)).toBe('anonymous');
    expect(await open.enter(undefined, { kind: 'ping' })).toBeUndefined();
    expect(await open.enter(basic('ann', 'wrong'), READ)).toBeUndefined();
  });

  test('whatever is asked of the token service, only what is spelled rightly and allowed is granted', async () => {
    const door = await new Door().open();
    const ask = async (query: string) => {
      const url = `https://trust.example.com/auth/token?${query}`;
      const answer = door.auth?.tokenResponse?.(request(basic('ann', 'secret-of-ann'), url));
      const { token } = (await ((await answer) as Response).json()) as { token: string };
      return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).access;
    };

    expect(await ask('scope=repository:localhost:5000/a:pull,push&scope=registry:catalog:*')).toEqual([
      { type: 'repository', name: 'localhost:5000/a', actions: ['pull', 'push'] },
      { type: 'registry', name: 'catalog', actions: ['*'] },
    ]);
    expect(await ask('scope=repository:a:pull%20repository:b:push')).toHaveLength(2);
    const odd = ['', 'scope=', 'scope=x', 'scope=repository:../a:pull', 'scope=repository:a:fly', 'scope=registry:x:*'];
    for (const query of odd) expect(await ask(query)).toEqual([]);
    expect(await ask(`scope=${'repository:a:pull%20'.repeat(500)}`)).toHaveLength(50);
    expect(door.auth?.tokenResponse?.(request(undefined, 'https://trust.example.com/auth/tokens'))).toBeUndefined();
  });
});

describe('an htpasswd file', () => {
  const opened = (...lines: string[]) => new Door().open({}, lines);

  test('may have comments, empty lines, and hashes of bcrypt in each spelling or of argon2id', async () => {
    const argon = await Bun.password.hash('pass', { algorithm: 'argon2id', memoryCost: 8, timeCost: 1 });
    const y = hashOf('pass').replace('$2b$', '$2y$');
    const a = hashOf('pass').replace('$2b$', '$2a$');
    const door = await opened('# users', '', `y:${y}`, `a:${a}\r`, `argon:${argon}`);

    for (const user of ['y', 'a', 'argon']) expect(await door.enter(basic(user, 'pass'), READ)).toBe(user);
  });

  test.each([
    ['MD5', 'ann:$apr1$Pq0pWmQy$abcdefghijklmnopqrstu/'],
    ['SHA-1', 'ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g='],
    ['crypt', 'ann:rqXexS6ZhobKA'],
    ['SHA-512', 'ann:$6$salt$abcdef'],
    ['clear text', 'ann:secret-of-ann'],
    ['no hash', 'ann:'],
    ['no user', ':x'],
    ['no colon', 'ann'],
    ['a cost that holds the server up', `ann:$2y$31$${'a'.repeat(53)}`],
    ['memory that the server does not have', 'ann:$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo'],
  ])('%s is refused by line, and never shown', async (_, line) => {
    const error = await opened(BOB, line).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AuthenticationSetupError);
    expect((error as Error).message).toContain('line 2');
    expect((error as Error).message).not.toContain(line.slice(5) || 'nothing');
  });

  test('with one user twice, or that is not there, ends the start', async () => {
    await expect(opened(ANN, BOB, ANN)).rejects.toBeInstanceOf(AuthenticationSetupError);
    const options = { file: '/does/not/exist', log: SILENT_LOG, clock: () => NOW };
    await expect(htpasswdAuthenticator(options)).rejects.toBeInstanceOf(AuthenticationSetupError);
  });
});
