// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { ISSUED_AT, TokenIssuer } from '../../../test/support/token-issuer.ts';
import { SILENT_LOG } from '../../service/index.ts';
import { parseGun } from '../../tuf/index.ts';
import type { Access } from './access.ts';
import { AuthenticationError, AuthenticationSetupError } from './authenticator.ts';
import { type TokenAuthenticatorOptions, tokenAuthenticator } from './token-authenticator.ts';

const GUN = parseGun('example.com/app');
const READ: Access = { kind: 'repository', gun: GUN, actions: ['pull'] };
const WRITE: Access = { kind: 'repository', gun: GUN, actions: ['push', 'pull'] };
const scratch = scratchDirectories();
const issuer = new TokenIssuer();

function request(authorization?: string, headers: Record<string, string> = {}): Request {
  const init = authorization === undefined ? headers : { ...headers, authorization };
  return new Request('https://trust.example.com/v2/', { headers: init });
}

function open(options: Partial<TokenAuthenticatorOptions> = {}) {
  const fixed = { ...issuer.names, clock: () => ISSUED_AT, log: SILENT_LOG };
  return tokenAuthenticator({ ...fixed, certificates: issuer.writeBundle(scratch()), ...options });
}

async function refusal(work: Promise<unknown>): Promise<AuthenticationError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AuthenticationError);
  return error as AuthenticationError;
}

const BASE = 'Bearer realm="https://auth.example.com/token",service="trust.example.com",';

describe('a token server', () => {
  test('a token that grants what is needed lets its user in, by name', async () => {
    const auth = await open();
    const token = await issuer.token({ access: TokenIssuer.access(GUN, 'push', 'pull') });

    expect(await auth.authenticate(request(`Bearer ${token}`), WRITE)).toEqual({ name: 'ann' });
    expect(await auth.authenticate(request(`bearer ${token}`), READ)).toEqual({ name: 'ann' });
    const nobody = await issuer.token({ sub: '', access: TokenIssuer.access(GUN, 'pull') });
    expect(await auth.authenticate(request(`Bearer ${nobody}`), READ)).toEqual({ name: 'anonymous' });
  });

  test('nobody passes for the server or for nobody in the audit log, and no name steers a terminal', async () => {
    const auth = await open();
    const name = async (sub: string) => {
      const token = await issuer.token({ sub, access: TokenIssuer.access(GUN, 'pull') });
      return (await auth.authenticate(request(`Bearer ${token}`), READ)).name;
    };

    expect(await name('server')).toBe('user:server');
    expect(await name('anonymous')).toBe('user:anonymous');
    expect(await name('a\u001b[2Jb\u202e')).toBe('a?[2Jb?');
    expect((await name('x'.repeat(5000))).length).toBe(200);
  });

  test('the challenge is that of Notary, with what is wrong where a token was shown', async () => {
    const auth = await open();
    const little = await issuer.token({ access: TokenIssuer.access(GUN, 'pull') });

    expect((await refusal(auth.authenticate(request(), WRITE))).challenge).toBe(
      `${BASE}scope="repository:example.com/app:push,pull"`,
    );
    expect((await refusal(auth.authenticate(request(), { kind: 'ping' }))).challenge).toBe(
      `${BASE}scope="registry:catalog:*"`,
    );
    expect((await refusal(auth.authenticate(request('Basic YTpi'), READ))).challenge).toBe(
      `${BASE}scope="repository:example.com/app:pull"`,
    );
    expect((await refusal(auth.authenticate(request(`Bearer ${little}`), WRITE))).challenge).toBe(
      `${BASE}scope="repository:example.com/app:push,pull",error="insufficient_scope"`,
    );
    expect((await refusal(auth.authenticate(request('Bearer nonsense'), READ))).challenge).toBe(
      `${BASE}scope="repository:example.com/app:pull",error="invalid_token"`,
    );
  });

  test('a GUN beyond ASCII, or with a quote, cannot break the challenge', async () => {
    const auth = await open();
    const at = async (gun: string) =>
      (await refusal(auth.authenticate(request(), { kind: 'repository', gun: parseGun(gun), actions: ['pull'] })))
        .challenge;

    const bytes = Buffer.from('é', 'utf8').toString('latin1');
    expect(await at('é/a')).toBe(`${BASE}scope="repository:${bytes}/a:pull"`);
    expect(await at('a"b')).toBe(`${BASE}scope="repository:a\\"b:pull"`);
    expect(new Headers({ a: await at('日本/ü') }).get('a')).toContain('scope=');
  });

  test('a star grants every action; another name, type or action grants nothing', async () => {
    const auth = await open();
    const enters = async (access: unknown, wanted: Access) => {
      const token = await issuer.token({ access });
      return auth.authenticate(request(`Bearer ${token}`), wanted).then(
        () => true,
        () => false,
      );
    };

    expect(await enters(TokenIssuer.access(GUN, '*'), WRITE)).toBe(true);
    expect(await enters([...TokenIssuer.access(GUN, 'push'), ...TokenIssuer.access(GUN, 'pull')], WRITE)).toBe(true);
    expect(await enters([{ type: 'registry', name: 'catalog', actions: ['*'] }], { kind: 'catalog' })).toBe(true);
    expect(await enters(TokenIssuer.access(GUN, 'push', 'pull'), { ...WRITE, actions: ['*'] } as Access)).toBe(false);
    expect(await enters(TokenIssuer.access(`${GUN}/b`, '*'), READ)).toBe(false);
    expect(await enters(TokenIssuer.access('EXAMPLE.com/app', '*'), READ)).toBe(false);
    expect(await enters([{ type: 'repository(plugin)', name: GUN, actions: ['*'] }], READ)).toBe(false);
    for (const odd of [undefined, null, 'all', {}, [null], [1], [{ type: 'repository', name: GUN, actions: '*' }]]) {
      expect(await enters(odd, READ)).toBe(false);
    }
  });

  test('autoredirect sends clients to the host that they asked, and only if it is one', async () => {
    const auth = await open({ autoredirect: true });
    const realm = async (host: string) => {
      const { challenge } = await refusal(auth.authenticate(request(undefined, { host }), READ));
      return /realm="([^"]*)"/.exec(challenge)?.[1];
    };

    expect(await realm('trust.example.com:4443')).toBe('https://trust.example.com:4443/auth/token');
    expect(await realm('[::1]:4443')).toBe('https://[::1]:4443/auth/token');
    for (const odd of ['evil@x', 'x/../y', 'a b', 'x?y', 'x#y', 'x:99999999', 'x",scope="y', '']) {
      expect(await realm(odd)).toBe('https://auth.example.com/token');
    }
    const fixed = await open();
    const { challenge } = await refusal(fixed.authenticate(request(undefined, { host: 'evil.example' }), READ));
    expect(challenge).not.toContain('evil');
  });

  test('public reading asks nobody who pulls, judges whoever shows a token, and opens nothing else', async () => {
    const auth = await open({ publicRead: true });

    expect(await auth.authenticate(request(), READ)).toEqual({ name: 'anonymous' });
    await refusal(auth.authenticate(request('Bearer nonsense'), READ));
    for (const closed of [WRITE, { kind: 'ping' }, { kind: 'catalog' }, { ...WRITE, actions: ['*'] }] as Access[]) {
      await refusal(auth.authenticate(request(), closed));
    }
  });

  test('what is missing in the configuration ends the start', async () => {
    for (const gap of ['realm', 'service', 'issuer'] as const) {
      await expect(open({ [gap]: '' })).rejects.toBeInstanceOf(AuthenticationSetupError);
    }
    const { certificates: _, ...rest } = { ...issuer.names, clock: () => ISSUED_AT, log: SILENT_LOG, certificates: '' };
    await expect(tokenAuthenticator(rest)).rejects.toBeInstanceOf(AuthenticationSetupError);
    await expect(open({ certificates: '/does/not/exist' })).rejects.toBeInstanceOf(AuthenticationSetupError);
    const empty = issuer.writeBundle(scratch(), 'no certificate');
    await expect(open({ certificates: empty })).rejects.toBeInstanceOf(AuthenticationSetupError);
  });
});
