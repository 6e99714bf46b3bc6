// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SigningStage, TLS } from '../../../test/support/signing-stage.ts';
import { SILENT_LOG, withRequestLog } from '../../service/index.ts';
import { parseGun, TIMESTAMP } from '../../tuf/index.ts';
import { openRemoteKeys } from './remote-keys.ts';

const stage = new SigningStage();
const directory = mkdtempSync(join(tmpdir(), 'hallmark-remote-keys-'));
afterAll(async () => {
  await stage.close();
  rmSync(directory, { recursive: true, force: true });
});

const paths = { ca: join(directory, 'ca.crt'), cert: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
function place(client: { readonly cert: string; readonly key: string }): void {
  writeFileSync(paths.ca, TLS.ca.cert);
  writeFileSync(paths.cert, client.cert);
  writeFileSync(paths.key, client.key, { mode: 0o600 });
}

const accepted = (check: Promise<void>) =>
  check.then(
    () => 'accepted',
    () => 'refused',
  );

describe("the server's certificate at its signing service", () => {
  test('is taken from the files anew: one that is not accepted is replaced without a restart', async () => {
    const { port } = await stage.start();
    place(TLS.stranger);
    const errors: unknown[] = [];
    const log = { ...SILENT_LOG, error: (fields: object) => void errors.push(fields) };
    // a refused connection is given up soon; the one after it has time to be made
    const limits = { deadlineMs: 250 };
    const opened = await openRemoteKeys({ hostname: 'localhost', port, tls: paths }, () => stage.now, log, limits);
    const create = () => opened.keys.create(parseGun('example.com/app'), TIMESTAMP, 'ecdsa').then(() => undefined);
    expect(await accepted(create())).toBe('refused');

    writeFileSync(paths.cert, TLS.client.cert); // the key is still the stranger's
    await opened.reload?.();
    expect(errors).toHaveLength(1);
    place(TLS.client);
    limits.deadlineMs = 60_000;
    await opened.reload?.();

    expect(await accepted(create())).toBe('accepted');
    expect(opened.expires()).toEqual(new X509Certificate(TLS.client.cert).validToDate);
    await opened.close();
  });
});

test("the signing service's record bears the ID that the server's answer bears", async () => {
  const { port } = await stage.start();
  place(TLS.client);
  const opened = await openRemoteKeys({ hostname: 'localhost', port, tls: paths }, () => stage.now, SILENT_LOG);
  const make = withRequestLog(async () => {
    await opened.keys.create(parseGun('example.com/other'), TIMESTAMP, 'ecdsa');
    return new Response('made');
  }, SILENT_LOG);
  stage.uses.length = 0;

  const answer = await make(new Request('https://x/v2/example.com/other/_trust/tuf/timestamp.key'));

  const id = answer.headers.get('X-Request-Id') ?? '';
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(stage.uses.map(({ requestId }) => requestId)).toEqual([id, id]);
  await opened.close();
});
