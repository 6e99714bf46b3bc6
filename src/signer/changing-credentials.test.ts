// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { connect } from 'node:tls';
import { SERVICE_TLS, SigningStage, TLS } from '../../test/support/signing-stage.ts';
import { SigningServiceTlsError } from './signing-service.ts';

const stage = new SigningStage();
afterAll(() => stage.close());

/** The names that a fresh connection is shown; it needs a certificate for more than that. */
function shown(port: number, client = TLS.client): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'], ...client },
      () => {
        resolve(socket.getPeerX509Certificate()?.subject ?? '');
        socket.destroy();
      },
    );
    socket.on('error', reject);
  });
}

/** Whether the service speaks to a client: its first word comes once it has let the client in. */
function asked(port: number, client: { cert: string; key: string }): Promise<'answered' | 'refused'> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', ca: TLS.ca.cert, ALPNProtocols: ['h2'], ...client });
    socket.on('data', () => {
      resolve('answered');
      socket.destroy();
    });
    socket.on('error', () => resolve('refused'));
    socket.on('close', () => resolve('refused'));
  });
}

describe('the certificates of a signing service, while it runs', () => {
  test('new connections are shown the new one', async () => {
    const service = await stage.start();
    const before = await shown(service.port);
    service.useTls({ ...SERVICE_TLS, ...TLS.address });

    expect(await shown(service.port)).not.toBe(before);
  });

  test('S4 clients still need a certificate, and of the new authority', async () => {
    const service = await stage.start();
    expect([await asked(service.port, TLS.client), await asked(service.port, TLS.stranger)]).toEqual([
      'answered',
      'refused',
    ]);

    service.useTls({ ...TLS.signer, clientCa: TLS['other-ca'].cert });

    expect([await asked(service.port, TLS.client), await asked(service.port, TLS.stranger)]).toEqual([
      'refused',
      'answered',
    ]);
  });

  test('S8 what cannot be used is refused, and the old one is shown on', async () => {
    const service = await stage.start();
    const before = await shown(service.port);
    for (const broken of [
      { ...SERVICE_TLS, cert: 'none' },
      { ...SERVICE_TLS, key: TLS.address.key },
      { ...SERVICE_TLS, clientCa: '' },
    ]) {
      expect(() => service.useTls(broken)).toThrow(SigningServiceTlsError);
    }
    expect(await shown(service.port)).toBe(before);
  });
});
