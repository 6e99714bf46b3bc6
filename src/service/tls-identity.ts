// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** A certificate chain and its private key, both PEM, checked to belong together. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
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

/** Reads a certificate and its key. @throws TlsError */
export async function loadTlsIdentity(certFile: string, keyFile: string, now: Date): Promise<TlsIdentity> {
  const cert = await readText(certFile);
  const key = await readText(keyFile);
  const certificate = parse(certFile, 'not a certificate', () => new X509Certificate(cert));
  const privateKey = parse(keyFile, 'not an unencrypted private key', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) throw new TlsError(keyFile, 'private key of another certificate');
  if (certificate.validToDate.getTime() < now.getTime()) throw new TlsError(certFile, 'expired certificate');
  return { cert, key };
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
