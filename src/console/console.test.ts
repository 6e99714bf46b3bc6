// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { exchange } from '../../test/requests/raw-exchange.ts';
import type { RepositoryBuilder } from '../../test/support/repository-builder.ts';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { TrustStage } from '../../test/support/trust-stage.ts';
import { MemoryStorage } from '../server/index.ts';
import { ensureOwnTls, listen, SILENT_LOG } from '../service/index.ts';
import { parseGun, type RoleName } from '../tuf/index.ts';
import { createConsole } from './index.ts';
import type { Door, Names, Refusal, Session, SourceFile } from './source.ts';

const APP = 'example.com/app';

/** A console over a trust server in memory; `see` is what its visitor may see. */
function stage(see: { names?: Names; publicRead?: boolean; door?: Partial<Door> } = {}) {
  const storage = new MemoryStorage();
  const trust = new TrustStage({ storage });
  const { names } = see;
  const mayPull = (gun: string) => see.publicRead === true || names === undefined || names.guns.includes(gun);
  const visitor = { actor: { name: 'ann' }, names, mayPull };
  const door: Door = {
    signIn: 'password',
    enter: async () => visitor,
    session: async () => ({ refused: 'unknown' }),
    ...see.door,
  };
  const replaced = new Map<RoleName, SourceFile | undefined>();
  const source = {
    current: (...[gun, role]: Parameters<MemoryStorage['current']>) =>
      replaced.has(role) ? Promise.resolve(replaced.get(role)) : storage.current(gun, role),
    byVersion: storage.byVersion.bind(storage),
    byHash: storage.byHash.bind(storage),
    history: storage.history.bind(storage),
    collections: storage.collections.bind(storage),
    expiring: storage.expiring.bind(storage),
    audit: storage.audit.bind(storage),
  };
  const fetch = createConsole({ source, door, clock: () => trust.now, log: SILENT_LOG });
  const send = (path: string, init: RequestInit = {}) => fetch(new Request(`https://console.test${path}`, init));
  const page = async (path: string) => (await send(path)).text();
  return { trust, storage, replaced, fetch, send, page };
}

const of = (gun: string, path = 'repository') => `/console/${path}?gun=${encodeURIComponent(gun)}`;

async function publish(trust: TrustStage, repository: RepositoryBuilder, ...roles: string[]): Promise<void> {
  const response = await trust.upload(repository.gun, repository.update(...roles));
  if (response.status !== 200) throw new Error(await response.text());
}

describe('what the console says of a repository', () => {
  test('verified is said of what went through a client’s whole update, with its tags', async () => {
    const { trust, page } = stage();
    await trust.published();
    expect(await page('/console/')).toContain('> Verified</span>');
    expect(await page(of(APP))).toMatch(/latest[\s\S]*sha256:[0-9a-f]{64}/);
  });

  test('of expired trust nothing is shown but the reason', async () => {
    const { trust, page } = stage();
    await trust.published();
    trust.now = new Date(trust.now.getTime() + 20 * 86_400_000);
    const shown = await page(of(APP));
    expect(shown).toContain('> Expired</span>');
    expect(shown).toContain('timestamp expired');
    expect(shown).not.toMatch(/Verified|sha256:/);
  });

  test('S17 a database that was put back to an earlier state is told as a rollback, not as verified', async () => {
    const { trust, storage, replaced, page } = stage();
    const repository = await trust.published();
    const old = await storage.current(repository.gun, 'timestamp' as RoleName);
    await publish(trust, repository.bump('targets').addTarget('2.0'), 'targets');
    expect(await page(of(APP))).toContain('2.0');
    replaced.set('timestamp' as RoleName, old);
    const shown = await page(of(APP));
    expect(shown).toContain('Not trusted');
    expect(shown).not.toContain('2.0');
  });

  test('a file that was changed in the database is refused', async () => {
    const { trust, storage, replaced, page } = stage();
    const { gun } = await trust.published();
    const timestamp = await storage.current(gun, 'timestamp' as RoleName);
    const bytes = Buffer.from(
      Buffer.from(timestamp?.bytes ?? '')
        .toString('latin1')
        .replace('"version":1', '"version":9'),
    );
    replaced.set('timestamp' as RoleName, { ...(timestamp as SourceFile), bytes, sha256: 'changed' });
    expect(await page(of(APP))).toContain('timestamp has 0 of 1 signatures');
    expect(await page('/console/')).toContain('Not trusted');
  });

  test('what is stored and is no metadata at all makes a page that says so', async () => {
    const { trust, replaced, send } = stage();
    await trust.published();
    const junk = Buffer.from('<script>alert(1)</script>');
    replaced.set('timestamp' as RoleName, { version: 1, bytes: junk, sha256: 'junk', createdAt: undefined } as never);
    const response = await send(of(APP));
    const shown = await response.text();
    expect(shown).toContain('Not trusted');
    expect(shown).not.toContain('<script');
  });

  test('the history tells tags, keys and thresholds that changed, and who published', async () => {
    const { trust, page } = stage();
    const repository = await trust.published();
    repository.delegate('targets/alice');
    await publish(trust, repository.bump('targets').addTarget('latest', 'other'), 'targets', 'targets/alice');
    await trust.upload(repository.gun, await repository.rotateRoot());
    const shown = (await page(of(APP, 'history'))).replaceAll(/<[^>]*>|\s+/g, ' ').replaceAll(/ +/g, ' ');
    expect(shown).toMatch(/changed tag latest sha256:\w{12}… → sha256:\w{12}…/);
    expect(shown).toMatch(/added delegation targets\/alice added key of targets\/alice [0-9a-f]{64}/);
    expect(shown).toMatch(/root version 1 → 2.*added key of root .*removed key of root/);
    expect(shown).toContain('by anonymous');
  });
});

describe('who sees what', () => {
  const mine = { guns: [APP], prefixes: [] };

  test('lists, log and pages hold only what the visitor may pull, and no address', async () => {
    const { trust, send, page } = stage({ names: mine });
    await trust.published();
    await trust.published('example.com/secret');
    for (const path of ['', 'expiry?within=all&role=every', 'audit']) {
      const shown = await page(`/console/${path}`);
      expect(shown).toContain(APP);
      expect(shown).not.toContain('secret');
    }
    expect(await page('/console/audit')).not.toContain('>From<');
    const [hidden, absent] = await Promise.all([send(of('example.com/secret')), send(of('example.com/absent'))]);
    expect([hidden.status, absent.status]).toEqual([404, 404]);
    expect(await hidden.text()).toBe(await absent.text());
    expect((await send(of('example.com/secret', 'history'))).status).toBe(404);
    expect(await page('/console/audit?gun=example.com%2Fsecret')).toContain('Nothing of this kind');
  });

  test('public reading opens a repository by its name, and lists none', async () => {
    const { trust, send, page } = stage({ names: { guns: [], prefixes: [] }, publicRead: true });
    await trust.published();
    expect(await page('/console/')).not.toContain(APP);
    expect((await send(of(APP))).status).toBe(200);
  });

  test('whoever is not known is led to the form, and back to the page', async () => {
    const { send, page } = stage({ door: { enter: async () => ({ refused: 'unknown' }) } });
    const response = await send('/console/audit?actor=x');
    expect(response.headers.get('location')).toBe('/console/sign-in?next=%2Fconsole%2Faudit%3Factor%3Dx');
    expect(await page('/console/sign-in?next=https://evil.example')).toContain('name="next" value="/console/"');
    expect(await page('/console/sign-in?next=//evil.example')).not.toContain('evil');
  });
});

describe('signing in', () => {
  const form = (fields: Record<string, string>, headers: Record<string, string> = {}): RequestInit => ({
    method: 'POST',
    body: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
  const door = (answer: Session | Refusal, seen: (string | null)[] = []) => ({
    session: async (request: Request) => {
      seen.push(request.headers.get('authorization'));
      return answer;
    },
  });

  test('the session is a cookie that no script, no plain connection and no other site gets', async () => {
    const seen: (string | null)[] = [];
    const { send } = stage({ door: door({ token: 'abc.def', lifetimeSeconds: 60 }, seen) });
    const response = await send('/console/sign-in', form({ user: 'ann', password: 'pä:ss', next: '/console/audit' }));
    expect([response.status, response.headers.get('location')]).toEqual([303, '/console/audit']);
    expect(response.headers.get('set-cookie')).toBe(
      '__Host-hallmark=abc.def; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Strict',
    );
    expect(seen).toEqual([`Basic ${Buffer.from('ann:pä:ss').toString('base64')}`]);
  });

  test('what was typed is never shown again, whatever was wrong with it', async () => {
    for (const answer of [{ refused: 'unknown' }, { refused: 'too-many', retryAfterSeconds: 7 }] as const) {
      const { send } = stage({ door: door(answer) });
      const response = await send('/console/sign-in', form({ user: 'ann', password: 'hunter2' }));
      expect(response.status).toBe(answer.refused === 'unknown' ? 401 : 429);
      expect(await response.text()).not.toMatch(/hunter2|value="ann"/);
      expect(response.headers.get('set-cookie')).toBeNull();
    }
  });

  test('S22 a request that names no host, or one that is none, is answered like any other', async () => {
    const { fetch } = stage();
    for (const url of ['/console/', 'http://a:99999/console/', 'http://%zz/console/']) {
      const request = { url, method: 'GET', headers: new Headers() } as Request;
      expect([url, (await fetch(request)).status]).toEqual([url, 200]);
      const post = { ...request, url: url.replace('/console/', '/console/sign-in'), method: 'POST' } as Request;
      expect((await fetch(post)).status).toBe(400);
    }
  });

  test('S23 a form without end is cut off, whatever length it announces', async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (++pulled > 1000) controller.error(new Error('read on'));
        else controller.enqueue(new Uint8Array(8192).fill(0x61));
      },
    });
    const { send } = stage({ door: door({ token: 'abc', lifetimeSeconds: 60 }) });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await send('/console/sign-in', { method: 'POST', headers, body });
    expect([response.status, response.headers.get('set-cookie')]).toEqual([400, null]);
    expect(pulled).toBeLessThan(10);
  });

  test('another site cannot sign anybody in or out', async () => {
    const { send } = stage({ door: door({ token: 'abc', lifetimeSeconds: 60 }) });
    for (const path of ['/console/sign-in', '/console/sign-out']) {
      for (const foreign of [
        { 'sec-fetch-site': 'cross-site' },
        { origin: 'https://evil.example' },
        { origin: 'null' },
      ]) {
        const response = await send(path, form({ user: 'a', password: 'b' }, foreign as Record<string, string>));
        expect(response.status).toBe(403);
        expect(response.headers.get('set-cookie')).toBeNull();
      }
    }
  });

  test('a token that no cookie can hold, or that would write a cookie of its own, is not taken', async () => {
    for (const token of ['x'.repeat(4000), 'abc; Domain=example.com', 'abc\r\nSet-Cookie: x=y']) {
      const { send } = stage({ door: door({ token, lifetimeSeconds: 60 }) });
      const response = await send('/console/sign-in', form({ token: 'abc' }));
      expect([response.status, response.headers.get('set-cookie')]).toEqual([400, null]);
    }
  });

  test('what a proxy says of the user comes before the cookie', async () => {
    const seen: (string | null)[] = [];
    const enter = async (request: Request): Promise<Refusal> => {
      seen.push(request.headers.get('authorization'));
      return { refused: 'unknown' };
    };
    const { send } = stage({ door: { enter } });
    await send('/console/', { headers: { cookie: 'a=b; __Host-hallmark=session' } });
    await send('/console/', { headers: { cookie: '__Host-hallmark=session', authorization: 'Bearer proxy' } });
    expect(seen).toEqual(['Bearer session', 'Bearer proxy']);
  });
});

describe('every answer', () => {
  test('forbids scripts, frames and other hosts, and is kept by nobody', async () => {
    const { send } = stage();
    for (const path of ['/console/', '/console/nowhere', of('x'), '/console/sign-in']) {
      const { headers } = await send(path);
      expect(headers.get('content-security-policy')).toStartWith("default-src 'none'; style-src 'self'");
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  test('changes nothing: other methods are refused', async () => {
    const { send } = stage();
    for (const method of ['PUT', 'DELETE', 'PATCH', 'POST']) {
      expect((await send('/console/repository', { method })).status).toBe(405);
    }
    expect(await (await send('/console/', { method: 'HEAD' })).text()).toBe('');
  });

  test('S22 what a query says comes back as text', async () => {
    const { page } = stage();
    const evil = '"><script>alert(1)</script>\u202e';
    for (const path of ['?q=', 'audit?actor=', 'audit?gun=', 'expiry?role=', 'repository?gun=', 'sign-in?next=']) {
      const shown = await page(`/console/${path}${encodeURIComponent(evil)}`);
      expect(shown).not.toContain('<script');
    }
  });

  test('a query that makes no sense is no error', async () => {
    const { trust, send } = stage();
    await trust.published(parseGun(APP));
    for (const query of [
      '?after=%00&t=x',
      '?before=a/../b',
      '?after=example.com/app&sort=expiry&t=999999999999999',
      'expiry?gun=a&of=targets&t=99999999999999',
      'audit?before=-1&since=2026-13-45',
      'history?gun=example.com/app&before=0',
    ]) {
      expect((await send(`/console/${query}`)).status).toBe(200);
    }
  });

  test('S23 whoever asks without end is told to wait', async () => {
    const { send } = stage();
    const answers = [];
    for (let index = 0; index < 130; index++) answers.push((await send('/console/nowhere')).status);
    expect(answers.slice(0, 100).every((status) => status === 404)).toBe(true);
    expect(answers.at(-1)).toBe(429);
  });
});

describe('over a socket', () => {
  const scratch = scratchDirectories();

  test('S22 a session or a form of a request without a usable Host is judged as any other', async () => {
    const session = async () => ({ token: 'abc', lifetimeSeconds: 60 });
    const { fetch } = stage({ door: { session } });
    const { identity } = await ensureOwnTls(scratch(), [], new Date());
    const listener = listen({ fetch, tls: identity, hostname: '127.0.0.1', port: 0 });
    const status = async (head: string, body = '') => {
      const bytes = Buffer.from(`${head}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`, 'latin1');
      return (await exchange(listener.port, bytes))[0]?.status;
    };
    const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
    for (const host of ['Host: [::1\r\n', 'Host: a/b\r\n', 'Host: \xff\r\n']) {
      expect([host, await status(`GET /console/ HTTP/1.1\r\n${host}Cookie: __Host-hallmark=abc\r\n`)]).toEqual([
        host,
        200,
      ]);
      expect([host, await status(`POST /console/sign-in HTTP/1.1\r\n${host}${form}`, 'user=a&password=b')]).toEqual([
        host,
        303,
      ]);
    }
    await listener.stop();
  });
});
