// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import { REQUEST_ID_METADATA } from '../signing/protocol/index.ts';
import { SigningRefusal } from './refusals.ts';

/** What a client may be allowed to do, one by one. */
export type Operation = 'create' | 'remove' | 'info' | 'sign';

/** Names in client certificates by operation; an operation that is left out is open to every accepted certificate. */
export type AllowedClients = Readonly<Partial<Record<Operation, readonly string[]>>>;

export interface ClientIdentity {
  /** The certificate's common name, else its first DNS name. */
  readonly name: string;
  /** Common name and DNS names. */
  readonly names: readonly string[];
  readonly address: string;
  /** What the client calls the request that it calls for: its word, by which the lines of both are found together. */
  readonly requestId?: string;
}

type AnyCall = Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext' | 'getPeer' | 'metadata'>;

type Names = Pick<ClientIdentity, 'name' | 'names'>;

/** By fingerprint, since every call brings its certificate along anew. */
const known = new Map<string, Names>();
const MAX_KNOWN = 1000;

/**
 * Who calls. TLS lets nobody in without a certificate of the clients' authority; what has none here all the same is
 * refused, and not taken for somebody (S4). @throws SigningRefusal `forbidden`
 */
export function identityOf(call: AnyCall): ClientIdentity {
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (certificate?.raw === undefined) throw new SigningRefusal('forbidden', 'no client certificate');
  const names = namesOf(certificate.fingerprint256, certificate.raw);
  return { ...names, address: call.getPeer(), ...requestIdOf(call) };
}

const REQUEST_ID = /^[\w.:+/=@-]{1,128}$/;

/** Nothing else is let into log and audit under this name. */
export function requestIdOf({ metadata }: Pick<AnyCall, 'metadata'>): Pick<ClientIdentity, 'requestId'> {
  const [requestId] = metadata.get(REQUEST_ID_METADATA);
  return typeof requestId === 'string' && REQUEST_ID.test(requestId) ? { requestId } : {};
}

function namesOf(fingerprint: string, der: Buffer): Names {
  const found = known.get(fingerprint);
  if (found !== undefined) return found;
  const names = readNames(der);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(fingerprint, names);
  return names;
}

function readNames(der: Buffer): Names {
  const { subject, subjectAltName } = new X509Certificate(der);
  const common = /^CN=(.+)$/m.exec(subject)?.[1];
  // a name with a comma, a line's end or the like is spelled in quotes, or escaped: it is nobody's
  const alternatives = (subjectAltName ?? '').split(', ');
  const dns = alternatives.flatMap((text) => /^DNS:([\w.*-]+)$/.exec(text)?.[1] ?? []);
  const names = [...(common === undefined ? [] : [common]), ...dns];
  const [name] = names;
  if (name === undefined) throw new SigningRefusal('forbidden', 'the client certificate has no name');
  return { name, names };
}

/** @throws SigningRefusal `forbidden` */
export function assertAllowed(client: ClientIdentity, operation: Operation, allowed: AllowedClients): void {
  const names = allowed[operation];
  if (names === undefined || client.names.some((name) => names.includes(name))) return;
  throw new SigningRefusal('forbidden', `${client.name} is not allowed to do this: ${operation}`);
}
