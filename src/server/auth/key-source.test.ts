// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { tokenAcceptance } from '../../../test/support/token-acceptance.ts';
import { ecKey, TokenIssuer } from '../../../test/support/token-issuer.ts';
import { parseGun } from '../../tuf/index.ts';
import { AuthenticationSetupError, AuthenticationUnavailableError } from './authenticator.ts';

const GUN = parseGun('example.com/app');
const scratch = scratchDirectories();
const issuer = new TokenIssuer();
const GRANT = { access: TokenIssuer.access(GUN, 'pull') };
const { open, keySet, jwk } = tokenAcceptance(issuer, GUN, scratch);

describe('a key set', () => {
  test('that is none ends the start', async () => {
    const path = join(scratch(), 'keys.json');
    for (const text of ['', 'null', '[]', '{}', '{"keys":{}}', '{"keys":[]}', '{"keys":[{"kty":"oct","k":"AAAA"}]}']) {
      writeFileSync(path, text);
      await expect(open({ jwks: path })).rejects.toBeInstanceOf(AuthenticationSetupError);
    }
    for (const jwksUrl of ['http://keys.example.com/', 'ftp://x/', 'file:///etc/passwd', 'x']) {
      await expect(open({ jwksUrl })).rejects.toBeInstanceOf(AuthenticationSetupError);
    }
  });

  test('of a URL is fetched once, again for an unknown key, and not again within half a minute', async () => {
    let elapsed = 0;
    let asked = 0;
    let keys = [jwk(issuer.key, { kid: 'one' })];
    const next = ecKey();
    const fetch = async (_: string, init: RequestInit) => {
      asked++;
      expect(init.redirect).toBe('error');
      return Response.json({ keys });
    };
    const accepts = await open({ jwksUrl: 'https://auth.example.com/keys', fetch, elapsed: () => elapsed });

    expect(await accepts(await issuer.token(GRANT, { kid: 'one' }))).toBe(true);
    expect(asked).toBe(1);
    for (let kid = 0; kid < 20; kid++) expect(await accepts(await issuer.token(GRANT, { kid: `x${kid}` }))).toBe(false);
    expect(asked).toBe(1);
    keys = [...keys, jwk(next, { kid: 'two' })];
    elapsed = 30_000;
    expect(await accepts(await issuer.token(GRANT, { kid: 'two' }, next))).toBe(true);
    expect(asked).toBe(2);
  });

  test('of a URL that cannot be reached is no reason to refuse for good, nor to let in', async () => {
    let elapsed = 0;
    let answer = () => new Response('x', { status: 500 });
    const accepts = await open({
      jwksUrl: 'https://auth.example.com/keys',
      fetch: async () => answer(),
      elapsed: () => elapsed,
    });
    const token = await issuer.token(GRANT, { kid: 'one' });

    await expect(accepts(token)).rejects.toBeInstanceOf(AuthenticationUnavailableError);
    elapsed += 10_000;
    const keys = [jwk(issuer.key, { kid: 'one' })];
    answer = () => Response.json({ keys, pad: 'x'.repeat(300 * 1024) });
    await expect(accepts(token)).rejects.toBeInstanceOf(AuthenticationUnavailableError);
    elapsed += 10_000;
    answer = () => Response.json({ keys });
    expect(await accepts(token)).toBe(true);
    answer = () => new Response('x', { status: 500 });
    elapsed += 3_600_000;
    expect(await accepts(token)).toBe(true);
  });
});

const URL_OF_KEYS = 'https://auth.example.com/keys';

describe('one origin of keys that fails', () => {
  const unreachable = () => Promise.reject(new TypeError('connection refused'));
  const html = async () => new Response('<html>', { headers: { 'content-type': 'text/html' } });

  for (const [what, fetch] of Object.entries({ unreachable, html })) {
    test(`does not disable the others: the URL of a key set, ${what}`, async () => {
      const accepts = await open({ certificates: issuer.writeBundle(scratch()), jwksUrl: URL_OF_KEYS, fetch });

      expect(await accepts(await issuer.token(GRANT))).toBe(true);
      expect(await accepts(await issuer.token(GRANT, { kid: 'of-the-url' }, ecKey()))).toBe(false);
    });

    test(`lets nobody in where it is the only one: the URL of a key set, ${what}`, async () => {
      const accepts = await open({ jwksUrl: URL_OF_KEYS, fetch });

      await expect(accepts(await issuer.token(GRANT))).rejects.toBeInstanceOf(AuthenticationUnavailableError);
    });
  }

  test('S33 does not keep in use what another has taken back', async () => {
    let elapsed = 0;
    const directory = scratch();
    const next = new TokenIssuer();
    const certificates = issuer.writeBundle(directory);
    const accepts = await open({ certificates, jwksUrl: URL_OF_KEYS, fetch: unreachable, elapsed: () => elapsed });
    const [old, newer] = [await issuer.token(GRANT), await next.token(GRANT)];

    expect(await accepts(old)).toBe(true);
    issuer.writeBundle(directory, next.authority);
    elapsed += 31_000;
    expect(await accepts(newer)).toBe(true);
    expect(await accepts(old)).toBe(false);
  });

  test('keeps its own last keys, and has new ones as soon as it answers: a URL, and a file that went away', async () => {
    let elapsed = 0;
    const [first, second] = [ecKey(), ecKey()];
    const path = keySet(jwk(issuer.key, { kid: 'file' }));
    let answer: () => Promise<Response> = async () => Response.json({ keys: [jwk(first, { kid: 'url' })] });
    const accepts = await open({ jwks: path, jwksUrl: URL_OF_KEYS, fetch: () => answer(), elapsed: () => elapsed });
    const ofFile = await issuer.token(GRANT, { kid: 'file' });
    const ofUrl = await issuer.token(GRANT, { kid: 'url' }, first);
    const newer = await issuer.token(GRANT, { kid: 'newer' }, second);

    expect([await accepts(ofFile), await accepts(ofUrl), await accepts(newer)]).toEqual([true, true, false]);
    answer = html;
    elapsed += 31_000;
    expect([await accepts(newer), await accepts(ofFile), await accepts(ofUrl)]).toEqual([false, true, true]);
    renameSync(path, `${path}.gone`);
    answer = async () => Response.json({ keys: [jwk(second, { kid: 'newer' })] });
    elapsed += 31_000;
    expect([await accepts(newer), await accepts(ofFile), await accepts(ofUrl)]).toEqual([true, true, false]);
  });

  test('S34 a key set of a URL cannot take the name of a key in a file', async () => {
    const other = ecKey();
    const jwks = keySet(jwk(issuer.key, { kid: 'one' }));
    const fetch = async () => Response.json({ keys: [jwk(other, { kid: 'one' })] });
    const accepts = await open({ jwks, jwksUrl: URL_OF_KEYS, fetch });

    expect(await accepts(await issuer.token(GRANT, { kid: 'one' }))).toBe(true);
    expect(await accepts(await issuer.token(GRANT, { kid: 'one' }, other))).toBe(false);
  });

  test('is a file that is missing at the start, or a URL that is not protected: it ends the start', async () => {
    const certificates = issuer.writeBundle(scratch());
    const fetch = html;
    for (const wrong of [{ jwks: join(scratch(), 'none.json') }, { jwksUrl: 'http://keys.example.com/' }]) {
      await expect(open({ certificates, fetch, ...wrong })).rejects.toBeInstanceOf(AuthenticationSetupError);
    }
  });
});
