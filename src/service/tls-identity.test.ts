// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureOwnTls } from './own-authority.ts';
import { loadTlsIdentity, TlsError } from './tls-identity.ts';

const directory = mkdtempSync(join(tmpdir(), 'hallmark-identity-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const now = new Date('2026-11-23T12:00:00Z');
const own = await ensureOwnTls(directory, [], now);
const damaged = join(directory, 'damaged');
writeFileSync(damaged, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');

describe('loadTlsIdentity', () => {
  test('reads a certificate and its key', async () => {
    expect(await loadTlsIdentity(own.certFile, own.keyFile, now)).toEqual(own.identity);
  });

  test.each([
    ['a missing certificate', join(directory, 'none'), own.keyFile, 'cannot read TLS file'],
    ['a missing key', own.certFile, join(directory, 'none'), 'cannot read TLS file'],
    ['a directory', directory, own.keyFile, 'cannot read TLS file'],
    ['a damaged certificate', damaged, own.keyFile, 'not a certificate'],
    ['a damaged key', own.certFile, damaged, 'not an unencrypted private key'],
    ['the key of another certificate', own.certFile, join(directory, 'ca.key'), 'private key of another certificate'],
  ])('S8 %s is an error, never plain HTTP', async (_, cert, key, message) => {
    const loading = loadTlsIdentity(cert, key, now);
    await expect(loading).rejects.toBeInstanceOf(TlsError);
    await expect(loading).rejects.toThrow(message);
  });

  test('S8 an expired certificate is an error', async () => {
    const later = new Date('2030-01-01T00:00:00Z');
    await expect(loadTlsIdentity(own.certFile, own.keyFile, later)).rejects.toThrow('expired certificate');
  });
});
