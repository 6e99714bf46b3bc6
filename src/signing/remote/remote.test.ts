// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { CLIENT_TLS, SERVICE_TLS, SigningStage, TLS } from '../../../test/support/signing-stage.ts';
import { RemoteSignerError } from './index.ts';

const stage = new SigningStage();
afterAll(() => stage.close());

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof RemoteSignerError) return error.code;
    throw error;
  }
  return 'none';
}
const quick = { limits: { deadlineMs: 700 } };

describe('a connection to a signing service', () => {
  test('is made by name and by address', async () => {
    const service = await stage.start();
    for (const hostname of ['localhost', '127.0.0.1']) await stage.connect(service, { hostname }).check();
  });

  test('S4 a client without a certificate of the authority is not let in', async () => {
    const service = await stage.start();
    const { ca } = CLIENT_TLS;
    expect(await codeOf(stage.connect(service, { tls: { ca, ...TLS.stranger }, ...quick }).check())).toBe(
      'unavailable',
    );
  });

  test('a service of another authority is not believed', async () => {
    const service = await stage.start({ tls: { ...SERVICE_TLS, ...TLS.impostor } });
    expect(await codeOf(stage.connect(service, quick).check())).toBe('unavailable');
  });

  test('a certificate for another name or address is not believed', async () => {
    const service = await stage.start({ tls: { ...SERVICE_TLS, ...TLS.address } });
    for (const hostname of ['localhost', '127.0.0.1'])
      expect(await codeOf(stage.connect(service, { hostname, ...quick }).check())).toBe('unavailable');
  });
});
