// SPDX-License-Identifier: Apache-2.0
/** The signing service as a process that can be killed: DIRECTORY with certificates and keys, PORT, DAYS ahead, TOKEN. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLog } from '../../../src/service/index.ts';
import { auditToLog, startSigningService } from '../../../src/signer/index.ts';
import { openTokenServiceKeys, parseTokenUri } from '../../../src/signing/pkcs11/index.ts';
import {
  environmentAliasPassphrase,
  openServiceKeys,
  type ServiceKeys,
} from '../../../src/signing/service-keys/index.ts';

const [directory = '', port = '', days = '', token] = process.argv.slice(2);
const read = (name: string) => readFileSync(join(directory, name), 'utf8');
const clock = () => new Date(Date.now() + Number(days) * 86_400_000);

async function storedKeys(): Promise<ServiceKeys> {
  const passphrase = (alias: string) => environmentAliasPassphrase(process.env, alias);
  const address = { engine: 'sqlite', url: join(directory, 'keys.db') } as const;
  return (await openServiceKeys(address, { defaultAlias: 'test', passphrase, now: clock })).keys;
}

const tokenKeys = (uri: string) =>
  openTokenServiceKeys(parseTokenUri(uri), { pin: async () => read('pin'), warn: () => {} });

const log = openLog('info');
await startSigningService({
  keys: token === undefined ? await storedKeys() : await tokenKeys(token),
  hostname: '127.0.0.1',
  port: Number(port),
  tls: { cert: read('signer.crt'), key: read('signer.key'), clientCa: read('ca.crt') },
  clock,
  log,
  audit: auditToLog(log),
});
process.stdout.write('ready\n');
