// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'bun:test';
import { failureOf } from '../../../test/support/refusals.ts';
import { RegistryError } from '../errors.ts';
import type { Transport } from '../transport.ts';
import { type AuthOptions, authenticatedFetch, repositoryScope } from './auth.ts';
import { parseChallenges } from './auth-challenge.ts';
import { belongsTo } from './auth-realm.ts';
import type { Credentials } from './auth-token.ts';

const PASSWORD = 'c0rrect-horse';
const basic: Credentials = { kind: 'basic', username: 'ann', password: PASSWORD };
const scope = repositoryScope('app', ['pull']);

interface Seen {
  readonly url: URL;
  readonly method: string;
  readonly authorization: string | null;
  readonly body: string;
}

/** A registry behind a token service; it remembers what it was sent, by host. */
class Site {
  readonly seen: Seen[] = [];
  challenge = 'Bearer realm="https://auth.example.com/token",service="registry"';
  token: object | Response = { token: 'granted', expires_in: 300 };

  readonly transport: Transport = async (url, { method, headers, body }) => {
    const at = new URL(url);
    const authorization = headers.get('authorization');
    this.seen.push({
      url: at,
      method,
      authorization,
      body: body instanceof Uint8Array ? Buffer.from(body).toString() : '',
    });
    if (at.pathname.startsWith('/token'))
      return this.token instanceof Response
        ? new Response(this.token.clone().body, this.token)
        : Response.json(this.token);
    const isIn = authorization === 'Bearer granted' || authorization?.startsWith('Basic ') === true;
    return isIn
      ? new Response('in')
      : new Response('out', { status: 401, headers: { 'www-authenticate': this.challenge } });
  };

  get(options: Partial<AuthOptions> = {}, init: RequestInit = {}): Promise<Response> {
    const defaults = {
      origin: 'https://registry.example.com',
      transport: this.transport,
      resolve: async () => ['203.0.113.1'],
    };
    const send = authenticatedFetch({ ...defaults, scopes: [scope], ...options });
    return send(new Request(`${options.origin ?? defaults.origin}/v2/app/manifests/1`, init));
  }

  get secretsSentTo(): string[] {
    const hasSecret = ({ authorization, body, url }: Seen) =>
      authorization?.startsWith('Basic') || /ident|c0rrect/.test(body + url.search);
    return this.seen.filter(hasSecret).map(({ url }) => url.host);
  }
}

async function refused(work: Promise<unknown>): Promise<RegistryError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RegistryError);
  expect(JSON.stringify([(error as Error).message, String((error as Error).cause)])).not.toContain(PASSWORD);
  return error as RegistryError;
}

describe('logging in at a registry', () => {
  test('anonymous first: a token without a password', async () => {
    const site = new Site();
    expect(await (await site.get()).text()).toBe('in');
    expect(site.seen.map(({ url }) => url.pathname)).toEqual(['/v2/app/manifests/1', '/token', '/v2/app/manifests/1']);
    expect(site.seen[1]?.url.search).toBe('?service=registry&scope=repository%3Aapp%3Apull');
    expect(site.seen[0]?.authorization).toBeNull();
  });

  test('a password goes to the token service alone, once per scope', async () => {
    const site = new Site();
    const send = authenticatedFetch({
      origin: 'https://registry.example.com',
      transport: site.transport,
      scopes: [scope],
      credentials: async () => basic,
    });
    const request = () => send(new Request('https://registry.example.com/v2/app/manifests/1'));
    await request();
    await Promise.all([request(), request()]);
    expect(site.secretsSentTo).toEqual(['auth.example.com']);
    expect(site.seen[1]?.url.searchParams.get('account')).toBe('ann');
  });

  test('an identity token is posted as a refresh token', async () => {
    const site = new Site();
    await site.get({ credentials: async () => ({ kind: 'identity-token', token: 'ident' }) });
    expect(site.seen[1]).toMatchObject({ method: 'POST', authorization: null });
    expect(new URLSearchParams(site.seen[1]?.body).get('refresh_token')).toBe('ident');
  });

  test('Basic, where the registry asks for it', async () => {
    const site = new Site();
    site.challenge = 'Basic realm="registry"';
    expect((await site.get({ credentials: async () => basic })).status).toBe(200);
    expect((await site.get()).status).toBe(401);
  });

  test('a body is sent once the way in is known', async () => {
    const site = new Site();
    expect((await site.get({}, { method: 'POST', body: 'metadata' })).status).toBe(200);
    expect(site.seen.filter(({ body }) => body !== '').map(({ authorization }) => authorization)).toEqual([
      'Bearer granted',
    ]);
  });

  test('a token that ran out is bought anew', async () => {
    const site = new Site();
    let now = 0;
    const send = authenticatedFetch({
      origin: 'https://registry.example.com',
      transport: site.transport,
      scopes: [scope],
      now: () => now,
    });
    const request = () => send(new Request('https://registry.example.com/v2/app/manifests/1'));
    await request();
    now = 299_000;
    await request();
    expect(site.seen.filter(({ url }) => url.pathname === '/token')).toHaveLength(2);
  });

  test('a refusal names the service and not the password', async () => {
    const site = new Site();
    site.token = Response.json({ details: 'incorrect username or password' }, { status: 401 });
    const error = await refused(site.get({ credentials: async () => basic }));
    expect(error.code).toBe('unauthorized');
    expect(error.message).toBe('token service auth.example.com: incorrect username or password');
  });

  test.each([
    ['no token', {}],
    ['a token that would end the header', { token: 'a\r\nx: y' }],
    ['a number', { token: 5 }],
    ['a page', new Response('<html>')],
    ['S23 an endless answer', new Response('x'.repeat(300_000))],
  ])('%s is a malformed answer', async (_name, token) => {
    const site = new Site();
    site.token = token;
    expect((await refused(site.get())).code).toBe('malformed');
  });
});

describe('S33 credentials go to nobody else', () => {
  test.each([
    ['https://evil.example.net/token', 'realm-refused'],
    ['https://registry.example.com.evil.net/token', 'realm-refused'],
    ['https://evilexample.com/token', 'realm-refused'],
    ['https://user:pw@auth.example.com/token', 'malformed'],
    ['http://auth.example.com/token', 'insecure'],
    ['http://127.0.0.1/token', 'insecure'],
    ['file:///etc/passwd', 'insecure'],
    ['nonsense', 'malformed'],
  ])('realm %s: %s', async (realm, code) => {
    const site = new Site();
    site.challenge = `Bearer realm="${realm}",service="registry"`;
    expect((await refused(site.get({ credentials: async () => basic }))).code).toBe(code as RegistryError['code']);
    expect(site.secretsSentTo).toEqual([]);
    expect(site.seen).toHaveLength(1);
  });

  test('S34 not even anonymously into a private network', async () => {
    const site = new Site();
    site.challenge = 'Bearer realm="https://metadata.evil.net/token"';
    const resolve = async (host: string) => (host === 'metadata.evil.net' ? ['169.254.169.254'] : ['203.0.113.1']);
    expect((await refused(site.get({ resolve }))).code).toBe('realm-refused');
    expect(site.seen).toHaveLength(1);
  });

  test('a trust server of another site does not get the registry’s credentials', async () => {
    const options = {
      origin: 'https://trust.evil.net',
      credentialHost: 'registry.example.com',
      credentials: async () => basic,
    };
    const site = new Site();
    for (const challenge of ['Basic realm="x"', 'Bearer realm="https://trust.evil.net/token"']) {
      site.challenge = challenge;
      expect((await refused(site.get(options))).code).toBe('realm-refused');
    }
    expect(site.secretsSentTo).toEqual([]);
    site.challenge = 'Basic realm="x"';
    expect((await site.get({ ...options, trustedRealms: ['trust.evil.net'] })).status).toBe(200);
  });

  test('no password over http, except on loopback', async () => {
    const site = new Site();
    site.challenge = 'Basic realm="x"';
    const options = { credentials: async () => basic };
    expect((await refused(site.get({ ...options, origin: 'http://registry.example.com' }))).code).toBe('insecure');
    expect((await site.get({ ...options, origin: 'http://localhost:5000' })).status).toBe(200);
  });

  test('a request to another origin is a mistake of ours, and is not sent', async () => {
    const site = new Site();
    const send = authenticatedFetch({ origin: 'https://registry.example.com', transport: site.transport, scopes: [] });
    expect(String(await failureOf(send(new Request('https://evil.example.net/'))))).toContain('another origin');
    expect(site.seen).toEqual([]);
  });

  test.each([
    ['auth.docker.io', 'docker.io', true],
    ['auth.docker.io', 'registry-1.docker.io', true],
    ['gitlab.com', 'registry.gitlab.com', true],
    ['auth.example.com', 'registry.example.com:5000', true],
    ['127.0.0.1', 'localhost:5000', true],
    ['auth.example.co.uk', 'registry.example.co.uk', true],
    ['evil.co.uk', 'registry.example.co.uk', false],
    ['evil.azurecr.io', 'mine.azurecr.io', false],
    ['evil.azurecr.cn', 'mine.azurecr.cn', false],
    ['evil.s3.cn-north-1.amazonaws.com.cn', '1.dkr.ecr.cn-north-1.amazonaws.com.cn', false],
    ['evil.westus.cloudapp.azure.com', 'mine.westus.cloudapp.azure.com', false],
    ['evil.duckdns.org', 'mine.duckdns.org', false],
    ['evil.1-2-3-4.sslip.io', 'mine.5-6-7-8.sslip.io', false],
    ['evil.gouv.fr', 'registry.gouv.fr', false],
    ['evil.ondigitalocean.app', 'mine.ondigitalocean.app', false],
    ['10.0.0.2', '10.0.0.1', false],
    ['docker.io.evil.net', 'docker.io', false],
    ['com', 'example.com', false],
    ['localhost', 'registry.example.com', false],
  ])('%s for the credentials of %s: %p', (target, owner, isAllowed) => {
    expect(belongsTo(target, owner)).toBe(isAllowed);
  });
});

describe('challenges', () => {
  test('several in one header, quoted and bare', () => {
    const found = parseChallenges(
      'Basic realm="a, b", Bearer realm="https://x/t", service=reg,scope="r:a:pull,push" ,Negotiate',
    );
    expect(found.map(({ scheme }) => scheme)).toEqual(['basic', 'bearer', 'negotiate']);
    expect(found[0]?.parameters.get('realm')).toBe('a, b');
    expect(found[1]?.parameters.get('scope')).toBe('r:a:pull,push');
    expect(found[1]?.parameters.get('service')).toBe('reg');
  });

  test('the first of two equal parameters counts, escapes are undone', () => {
    const [challenge] = parseChallenges('bearer realm="a\\"b", realm="c"');
    expect(challenge?.parameters.get('realm')).toBe('a"b');
  });

  test('S22 S31 what is broken ends the list, at no more than its length', () => {
    expect(parseChallenges(null)).toEqual([]);
    expect(parseChallenges('"')).toEqual([]);
    expect(parseChallenges('Bearer realm="never closed')[0]?.parameters.size).toBe(0);
    expect(parseChallenges(' ,'.repeat(4000)).length).toBe(0);
    expect(parseChallenges('a '.repeat(4000)).length).toBeGreaterThan(0);
    expect(parseChallenges('x'.repeat(100_000))).toEqual([]);
  });
});
