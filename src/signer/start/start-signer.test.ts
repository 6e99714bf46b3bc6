// SPDX-License-Identifier: Apache-2.0
import { afterAll, expect, test } from 'bun:test';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { endOf } from '../../service/certificate-end.ts';
import { ensureOwnTls, type Log, SILENT_LOG } from '../../service/index.ts';
import type { SignerSettings } from '../config/index.ts';
import { startSigner } from './index.ts';

const DAY = 86_400_000;
const scratch = scratchDirectories();
const started: { stop(): Promise<void> }[] = [];
afterAll(async () => {
  for (const signer of started) await signer.stop();
});

/** Settings over keys in memory, whose certificate is that of `from`. */
async function place(from: Date) {
  const directory = scratch();
  const own = await ensureOwnTls(join(directory, 'own'), [], from);
  const tls = { cert: join(directory, 'tls.crt'), key: join(directory, 'tls.key'), clientCa: own.caFile };
  const use = ({ certFile, keyFile }: typeof own) => {
    copyFileSync(certFile, tls.cert);
    copyFileSync(keyFile, tls.key);
  };
  use(own);
  const local = { hostname: '127.0.0.1', port: 0 };
  const settings: SignerSettings = {
    ...{ listen: local, operations: local, tls, clients: {}, limits: {}, logLevel: 'info', warnings: [] },
    keys: { at: 'database', storage: { engine: 'memory' }, defaultAlias: 'a', passphraseFiles: {} },
  };
  return { settings, use, end: endOf(own.identity) };
}

test('a signing service measures when the certificate ends that it shows, and says in time that it does', async () => {
  const now = new Date();
  const old = await place(new Date(now.getTime() - 380 * DAY));
  const fresh = await ensureOwnTls(join(scratch(), 'fresh'), [], now);
  const warned: object[] = [];
  const log: Log = { ...SILENT_LOG, warn: (fields) => void warned.push(fields) };
  const signer = await startSigner(old.settings, { env: {}, clock: () => now, log, auditLog: SILENT_LOG });
  started.push(signer);
  const told = async () => {
    const text = await (await fetch(`${signer.operationsUrl}/metrics`)).text();
    return text.split('\n').filter((line) => line.startsWith('hallmark_tls_certificate_expiry_timestamp_seconds'));
  };
  const line = (end: Date) =>
    `hallmark_tls_certificate_expiry_timestamp_seconds{shown_to="clients"} ${end.getTime() / 1000}`;

  expect([await told(), warned]).toEqual([
    [line(old.end)],
    [expect.objectContaining({ expires: old.end.toISOString() })],
  ]);
  old.use(fresh);
  await signer.reload();
  expect([await told(), warned.length]).toEqual([[line(endOf(fresh.identity))], 1]);
});
