// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTrustServer } from '../../test/support/open-trust-server.ts';
import { RepositoryBuilder } from '../../test/support/repository-builder.ts';
import { multipart } from '../../test/support/trust-stage.ts';
import { MissingPassphraseError } from './data-directory.ts';

const root = mkdtempSync(join(tmpdir(), 'hallmark-server-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fresh = () => join(mkdtempSync(join(root, 'd-')), 'data');
const now = new Date('2026-11-23T12:00:00Z');
const TUF = 'https://x/v2/example.com/app/_trust/tuf/';

const open = (dataDir: string, env: Record<string, string> = {}) => openTrustServer(dataDir, () => now, env);

async function publish(server: { fetch(request: Request): Promise<Response> }) {
  const key = async (role: string) => {
    const { keytype, keyval } = JSON.parse(await (await server.fetch(new Request(`${TUF}${role}.key`))).text());
    return { type: keytype, bytes: new Uint8Array(Buffer.from(keyval.public, 'base64')) };
  };
  const [timestampKey, snapshotKey] = [await key('timestamp'), await key('snapshot')];
  const publisher = await RepositoryBuilder.create({ now, timestampKey, snapshotKey });
  const response = await server.fetch(new Request(TUF, { method: 'POST', ...multipart(publisher.all()) }));
  expect(response.status).toBe(200);
  return publisher;
}

const status = async (server: { fetch(request: Request): Promise<Response> }, init?: RequestInit, file = '') =>
  (await server.fetch(new Request(TUF + file, init))).status;

describe('a server over a data directory', () => {
  test('keeps metadata and keys over a restart', async () => {
    const directory = fresh();
    const first = await open(directory);
    const publisher = await publish(first);
    await first.close();

    const second = await open(directory);

    expect(await status(second, undefined, 'timestamp.json')).toBe(200);
    const update = { method: 'POST', ...multipart(publisher.bump('targets').update('targets')) };
    expect(await status(second, update)).toBe(200);
    await second.close();
  });

  test('everything it writes is private, and no key lies there in the clear (S7)', async () => {
    const directory = fresh();
    const server = await open(directory);
    await publish(server);

    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    await server.close();
    const stored = readFileSync(join(directory, 'signer.db')).toString('latin1');
    const header = Buffer.from('{"alg":"PBES2').toString('base64url').slice(0, 16);
    expect([stored.includes(header), stored.includes('PRIVATE KEY')]).toEqual([true, false]);
  });

  test('takes alias and passphrase from the environment as the signer of Notary does', async () => {
    const directory = fresh();
    const env = { NOTARY_SIGNER_DEFAULT_ALIAS: 'prod', NOTARY_SIGNER_PROD: 'a passphrase' };
    const server = await open(directory, env);
    const publisher = await publish(server);
    await server.close();
    const update = { method: 'POST', ...multipart(publisher.bump('targets').update('targets')) };

    expect(readdirSync(directory)).not.toContain('signer-passphrase');
    // told at the start, and not by a publish that fails
    const wrong = open(directory, { ...env, NOTARY_SIGNER_PROD: 'another' });
    await expect(wrong).rejects.toMatchObject({ name: 'ServiceKeyError', code: 'wrong-passphrase' });
    const right = await open(directory, env);
    expect(await status(right, update)).toBe(200);
    await right.close();
  });

  test('a lost passphrase file is an error, not a new passphrase over old keys', async () => {
    const directory = fresh();
    await (await open(directory)).close();
    rmSync(join(directory, 'signer-passphrase'));

    await expect(open(directory)).rejects.toBeInstanceOf(MissingPassphraseError);
  });

  test('in memory nothing is written', async () => {
    const server = await open('memory');
    await publish(server);

    expect(await status(server, undefined, 'root.json')).toBe(200);
    await server.close();
  });
});
