// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dockerConfigDirectory, fetchTransport, type TlsOptions, type Transport } from '../registry/index.ts';
import type { Io } from './io.ts';
import type { GlobalOptions } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** How to speak TLS with one host. */
export interface TlsFiles extends TlsOptions {
  /** Whether the system's authorities may vouch for the host as well. */
  readonly orSystem?: boolean;
}

/**
 * The CA of `--ca`, or Docker's files for the host: every `*.crt` in `~/.docker/tls/<host:port>/` beside the system's
 * authorities, and a client certificate `X.cert` with `X.key` (reference 10.1). The certificate is always checked, on
 * loopback too.
 * @throws UsageError
 */
export function tlsFilesFor(io: Io, options: GlobalOptions, server: string): TlsFiles {
  if (options.ca !== undefined) return { ca: [authority(options.ca, '--ca')] };
  const directory = join(dockerConfigDirectory(io.env), 'tls', new URL(server).host);
  const names = list(directory);
  const authorities = names
    .filter((name) => name.endsWith('.crt'))
    .map((name) => authority(join(directory, name), 'CA certificate'));
  return {
    ...(authorities.length === 0 ? {} : { ca: authorities, orSystem: true }),
    ...clientCertificate(directory, names),
  };
}

function clientCertificate(directory: string, names: readonly string[]): Pick<TlsFiles, 'cert' | 'key'> {
  const [cert] = names.filter((name) => name.endsWith('.cert'));
  const unmatched = names.find((name) => name.endsWith('.key') && !names.includes(name.replace(/\.key$/, '.cert')));
  if (unmatched !== undefined)
    throw new UsageError(`missing client certificate ${unmatched.replace(/\.key$/, '.cert')} for key ${unmatched}`);
  if (cert === undefined) return {};
  const key = cert.replace(/\.cert$/, '.key');
  if (!names.includes(key)) {
    throw new UsageError(
      `missing key ${key} for client certificate ${cert}. CA certificates must use the extension .crt`,
    );
  }
  return { cert: read(join(directory, cert), 'client certificate'), key: read(join(directory, key), 'client key') };
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** TLS says of a file without a certificate only that the server cannot be reached. */
function authority(path: string, what: string): string {
  const text = read(path, what);
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new UsageError(`${what}: ${path} holds no PEM certificate`);
  return text;
}

function read(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw new UsageError(`${what}: cannot read ${path}: ${code}`, { cause });
  }
}

/** What TLS says when none of the authorities given issued the certificate. */
export const UNKNOWN_AUTHORITY = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

/**
 * `fetch` with these files; redirects are left to the caller. The host's own authorities are tried alone first, and the
 * system's only when they did not issue the certificate: to load those for each call costs more than the whole exchange.
 */
export function tlsTransport({ orSystem = false, ca, ...client }: TlsFiles): Transport {
  const bySystem = fetchTransport(client);
  if (ca === undefined) return bySystem;
  const byOwn = fetchTransport({ ca, ...client });
  return async (url, init) => {
    try {
      return await byOwn(url, init);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (!orSystem || !UNKNOWN_AUTHORITY.has(code) || init.body instanceof ReadableStream) throw error;
      return bySystem(url, init);
    }
  };
}
