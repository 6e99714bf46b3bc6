// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureOwnTls } from './own-authority.ts';
import { TlsError } from './tls-identity.ts';

const root = mkdtempSync(join(tmpdir(), 'hallmark-tls-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fresh = () => join(mkdtempSync(join(root, 'd-')), 'made', 'here');
const now = new Date('2026-11-23T12:00:00Z');
const DAY = 86_400_000;
const after = (days: number) => new Date(now.getTime() + days * DAY);

describe('ensureOwnTls', () => {
  test('makes an authority and a certificate for localhost and the given names, in private files (S7)', async () => {
    const directory = fresh();
    const { identity, caFile } = await ensureOwnTls(directory, ['trust.example.com', '10.1.2.3', '2001:db8::1:2'], now);
    const certificate = new X509Certificate(identity.cert);
    const authority = new X509Certificate(readFileSync(caFile));

    for (const host of ['localhost', 'trust.example.com']) expect(certificate.checkHost(host)).toBeDefined();
    for (const ip of ['127.0.0.1', '::1', '10.1.2.3', '2001:db8::1:2']) expect(certificate.checkIP(ip)).toBe(ip);
    expect([authority.ca, certificate.ca, certificate.verify(authority.publicKey)]).toEqual([true, false, true]);
    expect(certificate.validToDate).toEqual(after(397));
    expect(readdirSync(directory).sort()).toEqual(['ca.crt', 'ca.key', 'server.crt', 'server.key']);
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  test('is used again as long as it serves', async () => {
    const directory = fresh();
    const first = await ensureOwnTls(directory, ['a.example.com'], now);
    const second = await ensureOwnTls(directory, [], after(300));

    expect(second.identity).toEqual(first.identity);
  });

  test('the server certificate is issued anew before it expires and for names it lacks, by the same authority', async () => {
    const directory = fresh();
    const first = await ensureOwnTls(directory, [], now);
    const authority = readFileSync(first.caFile, 'utf8');
    const renewed = await ensureOwnTls(directory, [], after(370));
    const named = await ensureOwnTls(directory, ['new.example.com'], after(370));

    expect(renewed.identity.cert).not.toBe(first.identity.cert);
    expect(new X509Certificate(named.identity.cert).checkHost('new.example.com')).toBeDefined();
    expect(new X509Certificate(named.identity.cert).verify(new X509Certificate(authority).publicKey)).toBe(true);
    expect(readFileSync(first.caFile, 'utf8')).toBe(authority);
  });

  test('a half-written or foreign server key is replaced', async () => {
    const [directory, other] = [fresh(), fresh()];
    await ensureOwnTls(directory, [], now);
    await ensureOwnTls(other, [], now);
    for (const content of ['-----BEGIN', readFileSync(join(other, 'server.key'))]) {
      writeFileSync(join(directory, 'server.key'), content);
      const { identity } = await ensureOwnTls(directory, [], now);
      expect(identity.key).toBe(readFileSync(join(directory, 'server.key'), 'utf8'));
      expect(identity.key).toStartWith('-----BEGIN PRIVATE KEY-----');
    }
  });

  test('an authority that clients trust is never replaced in silence', async () => {
    const directory = fresh();
    const { caFile } = await ensureOwnTls(directory, [], now);
    await expect(ensureOwnTls(directory, [], after(4000))).rejects.toThrow('the authority has expired');

    const key = readFileSync(join(directory, 'ca.key'));
    writeFileSync(join(directory, 'ca.key'), 'damaged');
    await expect(ensureOwnTls(directory, [], now)).rejects.toThrow('the authority is damaged');
    writeFileSync(join(directory, 'ca.key'), readFileSync(join(directory, 'server.key')));
    await expect(ensureOwnTls(directory, [], now)).rejects.toThrow('private key of another authority');
    rmSync(join(directory, 'ca.key'));
    await expect(ensureOwnTls(directory, [], now)).rejects.toBeInstanceOf(TlsError);
    writeFileSync(join(directory, 'ca.key'), key);
    expect((await ensureOwnTls(directory, [], now)).caFile).toBe(caFile);
  });

  test('certificates of 2050 and later have dates of four digits', async () => {
    const late = new Date('2049-06-01T00:00:00Z');
    const { identity, caFile } = await ensureOwnTls(fresh(), [], late);

    expect(new X509Certificate(identity.cert).validToDate.getUTCFullYear()).toBe(2050);
    expect(new X509Certificate(readFileSync(caFile)).validToDate.getUTCFullYear()).toBe(2059);
  });
});
