// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { issueAuthority, issueServer } from './certificates.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';
import { TlsError, type TlsIdentity } from './tls-identity.ts';

export interface OwnTls {
  readonly identity: TlsIdentity;
  /** What clients have to trust. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const DAY = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** Longer-lived certificates are refused by some TLS clients. */
const SERVER_DAYS = 397;
const RENEW_DAYS = 30;
/** A client's clock may be a little behind. */
const SKEW = 3_600_000;
const AUTHORITY_NAME = 'Hallmark local authority';
const LOCAL = ['localhost', '127.0.0.1', '::1'];

/**
 * A TLS identity of one's own in `directory`, made when missing: ca.crt, ca.key, server.crt and server.key, mode 0600. What is there is used
 * again; the server's certificate is issued anew before it expires or when `hosts` has names that it lacks. An authority
 * that is damaged or has expired is an error, since clients were told to trust that very one.
 * @param hosts names and addresses beside localhost, 127.0.0.1 and ::1
 * @throws TlsError
 */
export async function ensureOwnTls(directory: string, hosts: readonly string[], now: Date): Promise<OwnTls> {
  const [caFile, certFile, keyFile] = ['ca.crt', 'server.crt', 'server.key'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const authority = await ensureAuthority(directory, caFile, now);
  const names = [...new Set([...LOCAL, ...hosts])];
  const found = await usableIdentity(certFile, keyFile, names, authority.certificate, now);
  if (found !== undefined) return { identity: found, caFile, certFile, keyFile };
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { commonName: AUTHORITY_NAME, key: authority.key };
  const identity = {
    cert: issueServer(issuer, names, publicKey, validity(now, SERVER_DAYS, authority.certificate)),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
  await writePrivateFile(keyFile, identity.key);
  await writePrivateFile(certFile, identity.cert);
  return { identity, caFile, certFile, keyFile };
}

async function ensureAuthority(directory: string, caFile: string, now: Date) {
  const keyFile = join(directory, 'ca.key');
  const [cert, key] = [await readPrivateFile(caFile), await readPrivateFile(keyFile)];
  if (cert !== undefined && key !== undefined) return loadAuthority(caFile, cert, keyFile, key, now);
  // a certificate without its key was given to clients: making another would leave them without a word
  if (cert !== undefined) throw new TlsError(keyFile, 'the authority has lost its private key');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = issueAuthority({ commonName: AUTHORITY_NAME, key: privateKey }, validity(now, AUTHORITY_DAYS));
  await writePrivateFile(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }) as string);
  await writePrivateFile(caFile, pem);
  return { certificate: new X509Certificate(pem), key: privateKey };
}

function loadAuthority(caFile: string, cert: string, keyFile: string, pem: string, now: Date) {
  let certificate: X509Certificate;
  let key: KeyObject;
  try {
    certificate = new X509Certificate(cert);
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new TlsError(caFile, 'the authority is damaged', { cause });
  }
  if (!certificate.checkPrivateKey(key)) throw new TlsError(keyFile, 'private key of another authority');
  if (certificate.validToDate.getTime() < now.getTime()) throw new TlsError(caFile, 'the authority has expired');
  return { certificate, key };
}

/** The stored identity if it serves for a while yet; a half-written or foreign one does not. */
async function usableIdentity(
  certFile: string,
  keyFile: string,
  names: readonly string[],
  authority: X509Certificate,
  now: Date,
): Promise<TlsIdentity | undefined> {
  const [cert, key] = [await readPrivateFile(certFile), await readPrivateFile(keyFile)];
  if (cert === undefined || key === undefined) return undefined;
  try {
    const certificate = new X509Certificate(cert);
    const lasts = certificate.validToDate.getTime() > now.getTime() + RENEW_DAYS * DAY;
    const named = names.every((name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)));
    const issued = certificate.verify(createPublicKey(authority.publicKey.export({ format: 'pem', type: 'spki' })));
    return lasts && named && issued && certificate.checkPrivateKey(createPrivateKey(key)) ? { cert, key } : undefined;
  } catch {
    return undefined;
  }
}

/** From a little before now; what is issued ends no later than its issuer. */
function validity(now: Date, days: number, issuer?: X509Certificate) {
  const end = now.getTime() + days * DAY;
  const last = issuer?.validToDate.getTime() ?? end;
  return { from: new Date(now.getTime() - SKEW), to: new Date(Math.min(end, last)) };
}
