// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** A certificate chain and its private key, both PEM, checked to belong together. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
  /** Authorities, PEM: clients need a certificate of one of them. */
  readonly clientCa?: string;
}

/** TLS files that cannot be used; the service then does not start (S8). */
export class TlsError extends Error {
  override readonly name = 'TlsError';
  /** The file concerned. */
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(`${message}: ${path}`, options);
    this.path = path;
  }
}

/** Reads a certificate and its key, and the authorities of clients where there are to be some. @throws TlsError */
export async function loadTlsIdentity(
  certFile: string,
  keyFile: string,
  now: Date,
  clientCaFile?: string,
): Promise<TlsIdentity> {
  const cert = await readText(certFile);
  const key = await readText(keyFile);
  const certificate = parse(certFile, 'not a certificate', () => new X509Certificate(cert));
  const privateKey = parse(keyFile, 'not an unencrypted private key', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) throw new TlsError(keyFile, 'private key of another certificate');
  if (certificate.validToDate.getTime() < now.getTime()) throw new TlsError(certFile, 'expired certificate');
  return clientCaFile === undefined ? { cert, key } : { cert, key, clientCa: await loadAuthorities(clientCaFile) };
}

/** Reads PEM certificates of authorities, one at least. @throws TlsError */
async function loadAuthorities(file: string): Promise<string> {
  const text = await readText(file);
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) throw new TlsError(file, 'no PEM certificate of an authority');
  for (const pem of certificates) parse(file, 'not a certificate', () => new X509Certificate(pem));
  return text;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new TlsError(path, 'cannot read TLS file', { cause });
  }
}

function parse<T>(path: string, message: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new TlsError(path, message, { cause });
  }
}
