// SPDX-License-Identifier: Apache-2.0

import { afterAll, describe, expect, test } from 'bun:test';
import { about, basic, closeDoors, Door, hashOf, READ, request } from '../../../test/support/htpasswd-door.ts';
import { failureOf } from '../../../test/support/refusals.ts';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { ISSUED_AT, TokenIssuer } from '../../../test/support/token-issuer.ts';
import { SILENT_LOG } from '../../service/index.ts';
import { parseGun } from '../../tuf/index.ts';
import { AuthenticationError, openToAll } from './authenticator.ts';
import type { HtpasswdAuthenticatorOptions } from './htpasswd-authenticator.ts';
import type { Readers } from './reader.ts';
import { tokenAuthenticator } from './token-authenticator.ts';

afterAll(closeDoors);
const scratch = scratchDirectories();
const APP = parseGun('example.com/app');
const rule = (user: string, gun: string, ...allow: ('pull' | 'push' | '*')[]) => ({ users: [user], gun, allow });

async function opened(options: Partial<HtpasswdAuthenticatorOptions> = {}) {
  const door = await new Door().open(options);
  const { auth } = door;
  if (auth === undefined) throw new Error('not open');
  return { door, auth };
}

async function expectRefused(work: Promise<unknown>): Promise<void> {
  expect(await failureOf(work)).toBeInstanceOf(AuthenticationError);
}

async function sessionOf(auth: Readers, user = 'ann', password = 'secret-of-ann'): Promise<string> {
  return `Bearer ${(await auth.session(request(basic(user, password)))).token}`;
}

describe('a user of a file who looks around', () => {
  test('may see what rules let them pull: names and beginnings of names', async () => {
    const rules = [
      rule('ann', 'example.com/team/*', 'pull'),
      rule('ann', APP, '*'),
      rule('ann', 'example.com/dropbox', 'push'),
      rule('bob', '*', 'pull'),
    ];
    const { auth } = await opened({ rules });
    const ann = await auth.reader(request(basic('ann', 'secret-of-ann')));
    expect(ann.names).toEqual({ guns: [APP], prefixes: ['example.com/team/'] });
    const guns = [APP, 'example.com/team/x', 'example.com/team', 'example.com/teammate', 'example.com/dropbox'].map(
      parseGun,
    );
    expect(guns.map((gun) => ann.mayPull(gun))).toEqual([true, true, false, false, false]);
    expect((await auth.reader(request(basic('bob', 'secret-of-bob')))).names).toBeUndefined();
  });

  test('has a session instead of the password, until the password changes or the day ends', async () => {
    const { door, auth } = await opened();
    const session = await sessionOf(auth);
    expect((await auth.reader(request(session))).actor.name).toBe('ann');

    door.now += 8 * 3_600_000 + 10_000;
    await expectRefused(auth.reader(request(session)));
    const fresh = await sessionOf(auth);
    door.write(`ann:${hashOf('another')}`);
    door.elapsed += 60_000;
    await expectRefused(auth.reader(request(fresh)));
  });

  test('a session opens no API, and a token of the API is no session', async () => {
    const { auth } = await opened();
    const session = await sessionOf(auth);
    await expectRefused(auth.authenticate(request(session), READ));
    await expectRefused(auth.authenticate(request(session), { kind: 'ping' }));
    const url = 'https://trust.example.com/auth/token?scope=repository:example.com/app:pull';
    const given = await auth.tokenResponse?.(request(basic('ann', 'secret-of-ann'), url));
    if (given === undefined) throw new Error('no token was given');
    const { token } = (await given.json()) as { token: string };
    await auth.authenticate(request(`Bearer ${token}`), about('example.com/app', 'pull'));
    await expectRefused(auth.reader(request(`Bearer ${token}`)));
    await expectRefused(auth.session(request(session)));
  });

  test('is nobody without credentials, or with wrong ones', async () => {
    const { auth } = await opened();
    for (const shown of [undefined, basic('ann', 'wrong'), basic('eve', ''), 'Bearer x.y.z']) {
      await expectRefused(auth.reader(request(shown)));
      await expectRefused(auth.session(request(shown)));
    }
  });

  test('with public reading everybody may open what they can name, and is listed nothing', async () => {
    const { auth } = await opened({ publicRead: true });
    const nobody = await auth.reader(request());
    expect([nobody.names, nobody.mayPull(APP)]).toEqual([{ guns: [], prefixes: [] }, true]);
  });
});

describe('whoever has a token', () => {
  const issuer = new TokenIssuer();
  const open = () =>
    tokenAuthenticator({
      ...issuer.names,
      ...{ certificates: issuer.writeBundle(scratch()), clock: () => ISSUED_AT, log: SILENT_LOG },
    });

  test('sees the repositories that it is for, and no more for the catalog', async () => {
    const access = [
      ...TokenIssuer.access(APP, 'pull'),
      ...TokenIssuer.access('example.com/dropbox', 'push'),
      { type: 'registry', name: 'catalog', actions: ['*'] },
    ];
    const auth = await open();
    const token = await issuer.token({ access });
    const reader = await auth.reader(request(`Bearer ${token}`));
    expect(reader.names).toEqual({ guns: [APP], prefixes: [] });
    expect(await auth.session(request(`Bearer ${token}`))).toEqual({ token, lifetimeSeconds: 300 });
  });

  test('that is not good is nobody', async () => {
    const auth = await open();
    const stranger = new TokenIssuer();
    for (const shown of [undefined, `Bearer ${await stranger.token()}`, `Bearer ${await issuer.token({ exp: 1 })}`]) {
      await expectRefused(auth.reader(request(shown)));
      await expectRefused(auth.session(request(shown)));
    }
  });
});

test('where everybody may do everything nobody signs in', async () => {
  expect((await openToAll.reader(request())).names).toBeUndefined();
  await expectRefused(openToAll.session(request(basic('ann', 'x'))));
});
