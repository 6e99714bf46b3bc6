// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { tokenAcceptance } from '../../../test/support/token-acceptance.ts';
import { ecKey, ISSUED_AT, TokenIssuer, x5cOf } from '../../../test/support/token-issuer.ts';
import chains from '../../../test/vectors/certificates/token-chains.json' with { type: 'json' };
import { issueAuthority, issueServer } from '../../service/certificates.ts';
import { parseGun } from '../../tuf/index.ts';
import { algorithmsOf, libtrustFingerprint, thumbprintOf } from './trusted-keys.ts';

const GUN = parseGun('example.com/app');
const DAY = 86_400_000;
const SECONDS = Math.floor(ISSUED_AT.getTime() / 1000);
const scratch = scratchDirectories();
const issuer = new TokenIssuer();
const GRANT = { access: TokenIssuer.access(GUN, 'pull') };
const { open, keySet, jwk } = tokenAcceptance(issuer, GUN, scratch);

describe('S33 the key of a token is one of those configured', () => {
  test('by a chain that ends in the bundle', async () => {
    const accepts = await open();
    const other = new TokenIssuer();

    expect(await accepts(await issuer.token(GRANT))).toBe(true);
    expect(await accepts(await issuer.token(GRANT, { x5c: x5cOf(issuer.certificate, issuer.authority) }))).toBe(true);
    // another issuer's chain, complete with its own authority, and ours beside a signature of theirs
    const theirs = { x5c: x5cOf(other.certificate, other.authority) };
    expect(await accepts(await other.token(GRANT, theirs))).toBe(false);
    expect(await accepts(await other.token(GRANT, { x5c: x5cOf(other.certificate, issuer.authority) }))).toBe(false);
    expect(await accepts(await other.token(GRANT, { x5c: x5cOf(issuer.certificate) }))).toBe(false);
    for (const x5c of [[], ['x'], [''], Array(9).fill(x5cOf(issuer.certificate)[0]), 'text' as never]) {
      expect(await accepts(await issuer.token(GRANT, { x5c }))).toBe(false);
    }
  });

  test('a leaf that is out of date, or that was signed by a leaf, is not in the chain', async () => {
    const accepts = await open();
    const key = ecKey();
    const at = (from: number, to: number) =>
      issuer.certify(key, new Date(ISSUED_AT.getTime() + from * DAY), new Date(ISSUED_AT.getTime() + to * DAY));
    const token = async (...pems: string[]) => issuer.token(GRANT, { x5c: x5cOf(...pems) }, key);

    expect(await accepts(await token(at(-2, 2)))).toBe(true);
    expect(await accepts(await token(at(-2, -1)))).toBe(false);
    expect(await accepts(await token(at(1, 2)))).toBe(false);
    // the key of an ordinary certificate signs another one
    const validity = { from: new Date(ISSUED_AT.getTime() - DAY), to: new Date(ISSUED_AT.getTime() + DAY) };
    const forged = issueServer(
      { commonName: 'auth.example.com', key: issuer.key },
      ['auth.example.com'],
      createPublicKey(key),
      validity,
    );
    expect(await accepts(await token(forged, issuer.certificate))).toBe(false);
  });

  test('an authority of the bundle that is out of date vouches for nobody', async () => {
    const key = ecKey();
    const old = { from: new Date(ISSUED_AT.getTime() - 10 * DAY), to: new Date(ISSUED_AT.getTime() - DAY) };
    const pem = issueAuthority({ commonName: 'old', key }, old);
    const accepts = await open({ certificates: issuer.writeBundle(scratch(), pem) });
    const leaf = ecKey();
    const validity = { from: old.from, to: new Date(ISSUED_AT.getTime() + DAY) };
    const certificate = issueServer({ commonName: 'old', key }, ['a'], createPublicKey(leaf), validity);

    expect(await accepts(await issuer.token(GRANT, { x5c: x5cOf(certificate) }, leaf))).toBe(false);
  });

  test('an intermediate has to be allowed to sign others, and to be valid, and so has what the bundle holds', async () => {
    const later = new Date('2027-01-01T00:00:00Z');
    const { certificates: pem, leafKey } = chains;
    const signer = new TokenIssuer(() => later);
    const under = (anchor: string) => open({ certificates: signer.writeBundle(scratch(), anchor), clock: () => later });
    const token = async (...x5c: string[]) => signer.token(GRANT, { x5c: x5cOf(...x5c) }, createPrivateKey(leafKey));

    const accepts = await under(pem.root);
    expect(await accepts(await token(pem['leaf-mid'], pem.mid))).toBe(true);
    expect(await accepts(await token(pem['leaf-mid']))).toBe(false);
    expect(await accepts(await token(pem['leaf-plain'], pem.plain))).toBe(false);
    expect(await accepts(await token(pem['leaf-oldmid'], pem.oldmid))).toBe(false);
    expect(await (await under(pem.plain))(await token(pem['leaf-plain']))).toBe(false);
    expect(await (await under(pem.mid))(await token(pem['leaf-mid']))).toBe(true);
  });

  test('by the name that libtrust or RFC 7638 give a key of the bundle', async () => {
    const accepts = await open({ certificates: issuer.writeBundle(scratch(), issuer.certificate) });
    const key = createPublicKey(issuer.key);

    expect(libtrustFingerprint(key)).toMatch(/^(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}$/);
    expect(await accepts(await issuer.token(GRANT, { kid: libtrustFingerprint(key) }))).toBe(true);
    expect(await accepts(await issuer.token(GRANT, { kid: thumbprintOf(key) }))).toBe(true);
    expect(await accepts(await issuer.token(GRANT, { kid: 'another' }))).toBe(false);
    expect(await accepts(await issuer.token(GRANT, {}))).toBe(false);
    // the name is public: a signature of somebody else's does not do
    expect(await accepts(await issuer.token(GRANT, { kid: thumbprintOf(key) }, ecKey()))).toBe(false);
  });

  test('a key inside of the token is only compared with those of the bundle', async () => {
    const accepts = await open({ certificates: issuer.writeBundle(scratch(), issuer.certificate) });
    const stranger = ecKey();

    expect(await accepts(await issuer.token(GRANT, { jwk: jwk(issuer.key) as never }))).toBe(true);
    expect(await accepts(await issuer.token(GRANT, { jwk: jwk(stranger) as never }, stranger))).toBe(false);
    // CVE-2025-24976: a stranger's key beside a chain that has nothing to do with it
    const beside = { jwk: jwk(stranger, { x5c: x5cOf(issuer.certificate) }) as never };
    expect(await accepts(await issuer.token(GRANT, beside, stranger))).toBe(false);
    const under = await open();
    const own = { jwk: jwk(issuer.key, { x5c: x5cOf(issuer.certificate) }) as never };
    expect(await under(await issuer.token(GRANT, own))).toBe(true);
    expect(await under(await issuer.token(GRANT, beside, stranger))).toBe(false);
    expect(await under(await issuer.token(GRANT, beside))).toBe(false);
  });

  test('addresses in a token are not asked', async () => {
    const asked: string[] = [];
    const fetch = async (url: string) => {
      asked.push(url);
      return new Response(null, { status: 404 });
    };
    const accepts = await open({ certificates: issuer.writeBundle(scratch()), fetch });

    expect(await accepts(await issuer.token(GRANT, { jku: 'https://evil.example/keys', kid: 'x' }))).toBe(false);
    expect(await accepts(await issuer.token(GRANT, { x5u: 'https://evil.example/keys', kid: 'x' }))).toBe(false);
    expect(asked).toEqual([]);
  });
});

describe('S33 the algorithm follows from the key', () => {
  const unsigned = (header: object) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const { issuer: iss, service: aud } = issuer.names;
    return `${part(header)}.${part({ iss, aud, exp: SECONDS + 300, ...GRANT })}.`;
  };

  test('none and shared secrets are refused, the public key taken for a secret too', async () => {
    const accepts = await open({ certificates: issuer.writeBundle(scratch(), issuer.certificate) });
    const kid = thumbprintOf(createPublicKey(issuer.key));
    const pem = createPublicKey(issuer.key).export({ type: 'spki', format: 'pem' }) as string;
    const der = createPublicKey(issuer.key).export({ type: 'spki', format: 'der' });

    expect(await accepts(unsigned({ alg: 'none', kid }))).toBe(false);
    expect(await accepts(unsigned({ alg: 'None', kid }))).toBe(false);
    for (const secret of [Buffer.from(pem), der, Buffer.from(issuer.certificate), Buffer.alloc(32)]) {
      expect(await accepts(await issuer.token(GRANT, { alg: 'HS256', kid }, secret))).toBe(false);
    }
  });

  test('RSA, P-256, P-384 and Ed25519 are taken with their own algorithms; short and foreign ones are not', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    const ed = generateKeyPairSync('ed25519').privateKey;
    const set = keySet(
      jwk(rsa, { kid: 'rsa' }),
      jwk(short, { kid: 'short' }),
      jwk(p384, { kid: 'p384' }),
      jwk(ed, { kid: 'ed' }),
      jwk(rsa, { kid: 'only-512', alg: 'RS512' }),
      jwk(rsa, { kid: 'for-encryption', use: 'enc' }),
      jwk(rsa, { kid: 'for-wrapping', key_ops: ['wrapKey'] }),
      { kty: 'oct', kid: 'secret', k: Buffer.alloc(32).toString('base64url') },
    );
    const accepts = await open({ jwks: set });
    const by = async (key: KeyObject | Uint8Array, kid: string, alg: string) =>
      accepts(await issuer.token(GRANT, { alg, kid }, key));

    expect(await by(rsa, 'rsa', 'RS256')).toBe(true);
    expect(await by(rsa, 'only-512', 'RS512')).toBe(true);
    expect(await by(p384, 'p384', 'ES384')).toBe(true);
    expect(await by(ed, 'ed', 'EdDSA')).toBe(true);
    expect(await by(rsa, 'rsa', 'PS256')).toBe(false);
    expect(await by(rsa, 'only-512', 'RS256')).toBe(false);
    expect(await by(rsa, 'for-encryption', 'RS256')).toBe(false);
    expect(await by(rsa, 'for-wrapping', 'RS256')).toBe(false);
    expect(await by(ed, thumbprintOf(createPublicKey(ed)), 'EdDSA')).toBe(false);
    expect(await by(Buffer.alloc(32), 'secret', 'HS256')).toBe(false);
    expect(await by(ed, 'p384', 'EdDSA')).toBe(false);
    // no library signs with the short one
    expect(algorithmsOf(createPublicKey(short))).toEqual([]);
    const withChain = await issuer.token(GRANT, { alg: 'EdDSA', kid: 'ed', x5c: x5cOf(issuer.certificate) }, ed);
    expect(await accepts(withChain)).toBe(true);
  });
});

describe('what a token says', () => {
  test.each([
    ['another issuer', { iss: 'auth.example.org' }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'registry.example.com' }],
    ['a list without this audience', { aud: ['a', 'b'] }],
    ['no audience', { aud: undefined }],
    ['no end', { exp: undefined }],
    ['an end in the past', { exp: SECONDS - 61 }],
    ['a beginning in the future', { nbf: SECONDS + 61 }],
    ['an end that is text', { exp: '9999999999' }],
    ['a beginning that is text', { nbf: 'x' }],
  ])('%s: refused', async (_, claims) => {
    expect(await (await open())(await issuer.token({ ...GRANT, ...claims }))).toBe(false);
  });

  test('a list of audiences with this one, and clocks that differ by a minute, are good', async () => {
    const accepts = await open();
    expect(await accepts(await issuer.token({ ...GRANT, aud: ['x', issuer.names.service] }))).toBe(true);
    expect(await accepts(await issuer.token({ ...GRANT, exp: SECONDS - 59 }))).toBe(true);
    expect(await accepts(await issuer.token({ ...GRANT, nbf: SECONDS + 59 }))).toBe(true);
    const strict = await open({ skewSeconds: 0 });
    expect(await strict(await issuer.token({ ...GRANT, exp: SECONDS - 1 }))).toBe(false);
  });

  test('an unknown critical header is refused', async () => {
    const accepts = await open();
    const token = async (more: object) => {
      const body = (await issuer.token(GRANT)).split('.')[1];
      const header = JSON.stringify({ alg: 'ES256', x5c: x5cOf(issuer.certificate), ...more });
      const input = `${Buffer.from(header).toString('base64url')}.${body}`;
      const signature = sign('sha256', Buffer.from(input), { key: issuer.key, dsaEncoding: 'ieee-p1363' });
      return `${input}.${signature.toString('base64url')}`;
    };

    expect(await accepts(await token({}))).toBe(true);
    expect(await accepts(await token({ crit: ['x'], x: 1 }))).toBe(false);
    expect(await accepts(await token({ crit: [] }))).toBe(false);
  });

  test('S23 a token beyond the bound is not looked at', async () => {
    const accepts = await open();
    expect(await accepts(await issuer.token({ ...GRANT, pad: 'x'.repeat(8000) }))).toBe(true);
    expect(await accepts(await issuer.token({ ...GRANT, pad: 'x'.repeat(16_000) }))).toBe(false);
  });

  test('whatever is sent for a token is refused, never a failure', async () => {
    const accepts = await open();
    const good = await issuer.token(GRANT);
    const [head, body, signature] = good.split('.') as [string, string, string];
    const json = (text: string) => Buffer.from(text).toString('base64url');
    const odd = [
      '.',
      '..',
      'a.b.c',
      `${head}.${body}`,
      `${good}.x`,
      `${head}.${json('null')}.${signature}`,
      `${json('null')}.${body}.${signature}`,
      `${json('[]')}.${body}.${signature}`,
      `${json('{"alg":1}')}.${body}.${signature}`,
      `${json('{"alg":"ES256","x5c":{"length":1}}')}.${body}.${signature}`,
      `${json('{"alg":"ES256","kid":"__proto__"}')}.${body}.${signature}`,
      `${json('{"alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":1,"y":{}}}')}.${body}.${signature}`,
      `${json('{"alg":"ES256","jwk":null}')}.${body}.${signature}`,
      `${head}.${body}.${signature.slice(2)}`,
      `${head}.${json('{"iss":"auth.example.com"}')}.${signature}`,
    ];
    for (const token of odd) expect(await accepts(token)).toBe(false);
  });
});

describe('a token that was good', () => {
  test('is good no longer than the certificates that vouch for its key, for having been remembered', async () => {
    const clock = { now: ISSUED_AT };
    const until = (days: number) => new Date(ISSUED_AT.getTime() + days * DAY);
    const years = { ...GRANT, exp: SECONDS + 365 * 86_400 };
    const short = new TokenIssuer(undefined, { from: until(-1), to: until(2) });
    const key = ecKey();
    const [leaf, link] = [issuer.certify(key, until(-1), until(1)), short.certificate];
    const byLeaf = await issuer.token(years, { x5c: x5cOf(leaf) }, key);
    const byJwk = await issuer.token(years, { jwk: jwk(key, { x5c: x5cOf(leaf) }) as never }, key);
    const byAnchor = await short.token(years, { x5c: x5cOf(link) });
    const bundle = issuer.writeBundle(scratch(), issuer.authority, short.authority);
    const accepts = await open({ certificates: bundle, clock: () => clock.now });
    const all = async () => [await accepts(byLeaf), await accepts(byJwk), await accepts(byAnchor)];

    expect(await all()).toEqual([true, true, true]);
    clock.now = until(1.5);
    expect(await all()).toEqual([false, false, true]);
    clock.now = until(2.5);
    expect(await all()).toEqual([false, false, false]);
  });

  test('is good until its end, and not a moment longer for having been remembered', async () => {
    let now = ISSUED_AT.getTime();
    const accepts = await open({ clock: () => new Date(now), skewSeconds: 0 });
    const token = await issuer.token({ ...GRANT, exp: SECONDS + 10 });

    expect([await accepts(token), await accepts(token)]).toEqual([true, true]);
    now += 10_000;
    expect(await accepts(token)).toBe(false);
    now -= 60_000;
    expect(await accepts(token)).toBe(false);
    now += 50_000;
    expect(await accepts(token)).toBe(true);
    now -= 11_000;
    expect(await accepts(token)).toBe(false);
  });

  test('of an authority that was put into the bundle meanwhile is good at once', async () => {
    let elapsed = 0;
    const directory = scratch();
    const next = new TokenIssuer();
    const accepts = await open({ certificates: issuer.writeBundle(directory), elapsed: () => elapsed });
    const token = await next.token(GRANT);

    expect(await accepts(token)).toBe(false);
    issuer.writeBundle(directory, issuer.authority, next.authority);
    elapsed += 31_000;
    expect(await accepts(token)).toBe(true);
  });

  test('is refused once its key is no longer configured', async () => {
    let elapsed = 0;
    const [first, second] = [ecKey(), ecKey()];
    const path = keySet(jwk(first, { kid: 'a' }));
    const accepts = await open({ jwks: path, elapsed: () => elapsed });
    const token = await issuer.token(GRANT, { kid: 'a' }, first);
    const newer = await issuer.token(GRANT, { kid: 'b' }, second);

    expect(await accepts(token)).toBe(true);
    writeFileSync(`${path}.new`, JSON.stringify({ keys: [jwk(second, { kid: 'b' })] }));
    renameSync(`${path}.new`, path);
    elapsed += 31_000;
    expect(await accepts(newer)).toBe(true);
    expect(await accepts(token)).toBe(false);
  });
});
