// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { ADMIN, about, basic, closeDoors, Door, READ, WRITE } from '../../../test/support/htpasswd-door.ts';
import type { Access } from './access.ts';
import { AuthenticationSetupError } from './authenticator.ts';
import type { HtpasswdAuthenticatorOptions } from './htpasswd-authenticator.ts';

afterAll(closeDoors);

describe('what users may do', () => {
  const may = async (options: Partial<HtpasswdAuthenticatorOptions>, user: 'ann' | 'bob', ...wanted: Access[]) => {
    const door = await new Door().open(options);
    const authorization = basic(user, `secret-of-${user}`);
    const direct = await Promise.all(wanted.map(async (access) => (await door.enter(authorization, access)) === user));
    const byToken = await Promise.all(
      wanted.map(async (access) => (await door.enter(await door.token(authorization, access), access)) === user),
    );
    expect(byToken).toEqual(direct);
    return direct;
  };
  const catalog: Access = { kind: 'catalog' };

  test('everything, or reading, where there are no rules', async () => {
    expect(await may({}, 'ann', READ, WRITE, ADMIN, catalog)).toEqual([true, true, true, true]);
    expect(await may({ defaultAccess: 'read' }, 'ann', READ, WRITE, ADMIN, catalog)).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(await may({ defaultAccess: 'none' }, 'ann', READ, { kind: 'ping' })).toEqual([false, true]);
  });

  test('what a rule gives them or their group, for one name or all below one, and nothing else', async () => {
    const rules = [
      { users: ['ann'], gun: 'example.com/app', allow: ['pull', 'push'] },
      { groups: ['team'], gun: 'example.com/team/*', allow: ['*'] },
      { users: ['*'], gun: 'example.com/open/*', allow: ['pull'] },
    ] as const;
    const options = { rules, groups: { team: ['bob'] } };
    const team = about('example.com/team/a/b', '*');

    expect(await may(options, 'ann', READ, WRITE, ADMIN, team, catalog)).toEqual([true, true, false, false, false]);
    expect(await may(options, 'bob', READ, WRITE, ADMIN, team, catalog)).toEqual([false, false, false, true, false]);
    for (const beside of ['example.com/team', 'example.com/team-b/a', 'Example.com/team/a', 'x/example.com/team/a']) {
      expect(await may(options, 'bob', about(beside, 'pull'))).toEqual([false]);
    }
    expect(await may(options, 'bob', about('example.com/open/x', 'pull'))).toEqual([true]);
    expect(await may({ ...options, defaultAccess: 'read' }, 'bob', READ, WRITE)).toEqual([true, false]);
    const everything = [{ users: ['bob'], gun: '*', allow: ['pull'] }] as const;
    expect(await may({ rules: everything }, 'bob', READ, catalog)).toEqual([true, true]);
  });

  test('rules that name nobody, nothing, an unknown group, a pattern that is none, or that change nothing', async () => {
    const odd: Partial<HtpasswdAuthenticatorOptions>[] = [
      { rules: [{ gun: '*', allow: ['pull'] }] },
      { rules: [{ users: ['ann'], gun: '*', allow: [] }] },
      { rules: [{ groups: ['toString'], gun: '*', allow: ['pull'] }], groups: {} },
      { rules: [{ users: ['ann'], gun: 'a*', allow: ['pull'] }] },
      { rules: [{ users: ['ann'], gun: 'a/*/b', allow: ['pull'] }] },
      { rules: [{ users: ['ann'], gun: '', allow: ['pull'] }] },
      { rules: [{ users: ['ann'], gun: '*', allow: ['pull'] }], defaultAccess: 'all' },
    ];
    for (const options of odd) {
      await expect(new Door().open(options)).rejects.toBeInstanceOf(AuthenticationSetupError);
    }
  });
});
