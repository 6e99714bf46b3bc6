// SPDX-License-Identifier: Apache-2.0
import type { DatabaseAddress } from '../../../src/service/database/index.ts';

/** `storage` as the configurations of both services have it. */
export type NotaryStorage = Readonly<Record<string, string>>;

/** notary-signer's configuration, with the certificates `signer` and `ca` beside it. */
export function notarySignerConfig(port: number, storage: NotaryStorage, level = 'info'): object {
  return {
    server: {
      grpc_addr: `127.0.0.1:${port}`,
      tls_cert_file: 'signer.crt',
      tls_key_file: 'signer.key',
      client_ca_file: 'ca.crt',
    },
    storage,
    logging: { level },
  };
}

/** notary-server's configuration, with the certificates `server` and `ca` beside it. */
export function notaryServerConfig(port: number, signerPort: number, storage: NotaryStorage, level = 'info'): object {
  return {
    server: { http_addr: `127.0.0.1:${port}`, tls_cert_file: 'server.crt', tls_key_file: 'server.key' },
    trust_service: {
      type: 'remote',
      hostname: 'localhost',
      port: String(signerPort),
      key_algorithm: 'ecdsa',
      tls_ca_file: 'ca.crt',
      tls_client_cert: 'server.crt',
      tls_client_key: 'server.key',
    },
    storage,
    logging: { level },
  };
}

/** A database as both the originals and Hallmark read it from such a configuration. */
export function notaryStorageOf({ engine, url }: DatabaseAddress): NotaryStorage {
  if (engine === 'mysql') return { backend: 'mysql', db_url: `${url}?parseTime=True` };
  // the Go driver looks for a socket's directory only where the URL names no host
  const { username, pathname, searchParams } = new URL(url);
  const place = `host=${searchParams.get('host') ?? ''} user=${username} dbname=${pathname.slice(1)}`;
  return { backend: 'postgres', db_url: `${place} sslmode=disable` };
}
