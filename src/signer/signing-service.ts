// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { logVerbosity, Server, type ServerCredentials, setLogVerbosity, type UntypedHandleCall } from '@grpc/grpc-js';
import { ListenError, type Log } from '../service/index.ts';
import {
  CREATE_KEY,
  DELETE_KEY,
  GET_KEY_INFO,
  HEALTH_CHECK,
  MAX_MESSAGE_BYTES,
  SIGN,
} from '../signing/protocol/index.ts';
import { assertReachable, type ServiceKeys } from '../signing/service-keys/index.ts';
import type { Audit } from './audit.ts';
import { AuditTrail } from './audit-trail.ts';
import { type CallLimits, Calls, DEFAULT_CALL_LIMITS, definitionOf } from './calls.ts';
import { ChangingCredentials, type SigningServiceTls } from './changing-credentials.ts';
import type { AllowedClients } from './client-identity.ts';
import { checkHealth } from './health-calls.ts';
import { KeyCalls } from './key-calls.ts';
import { SignCall } from './sign-call.ts';
import { SignedVersions } from './signed-versions.ts';
import { DEFAULT_RULES, type SigningRules } from './signing-rules.ts';

export interface SigningServiceOptions {
  readonly keys: ServiceKeys;
  readonly hostname: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly tls: SigningServiceTls;
  readonly clock: () => Date;
  readonly log: Log;
  /** Told of each use of a key, before and after it. */
  readonly audit: Audit;
  /** Which clients may do what; whoever TLS lets in may do all that is not listed. */
  readonly allowed?: AllowedClients;
  readonly rules?: Partial<SigningRules>;
  readonly limits?: Partial<CallLimits>;
}

export interface SigningService {
  readonly hostname: string;
  readonly port: number;
  /**
   * Shows new connections another certificate, and asks them for one of these authorities; those that stand stay.
   * @throws SigningServiceTlsError and the old certificate is served on
   */
  useTls(tls: SigningServiceTls): void;
  /** Accepts nothing new, lets calls under way end within five seconds, then cuts them off. */
  stop(): Promise<void>;
}

/** Certificates that the service cannot, or must not, start with. */
export class SigningServiceTlsError extends Error {
  override readonly name = 'SigningServiceTlsError';
}

const DRAIN_MS = 5000;

/** Notary's signer API over the given keys. @throws SigningServiceTlsError, ListenError */
export async function startSigningService(options: SigningServiceOptions): Promise<SigningService> {
  const { hostname, port } = options;
  // its library would write to standard error by itself
  setLogVerbosity(logVerbosity.NONE);
  assertUsable(options.tls, options.clock());
  const credentials = new ChangingCredentials(options.tls);
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': options.limits?.inFlight ?? DEFAULT_CALL_LIMITS.inFlight,
  });
  addServices(server, options);
  const bound = await bind(server, hostname, port, credentials);
  const useTls = (tls: SigningServiceTls) => {
    assertUsable(tls, options.clock());
    credentials.use(tls);
  };
  return { hostname, port: bound, useTls, stop: () => stop(server) };
}

function addServices(server: Server, options: SigningServiceOptions): void {
  const { keys, log, audit, clock, allowed = {} } = options;
  const calls = new Calls({ ...DEFAULT_CALL_LIMITS, ...options.limits }, log);
  const services = { keys, allowed, clock, trail: new AuditTrail(audit, clock) };
  const rules = { ...DEFAULT_RULES, ...options.rules };
  const keyCalls = new KeyCalls(services);
  const signCall = new SignCall({ ...services, rules, versions: new SignedVersions() });
  const handlers: readonly (readonly [{ readonly path: string }, UntypedHandleCall])[] = [
    [CREATE_KEY, calls.handle(CREATE_KEY, (request, client) => keyCalls.create(request, client))],
    [DELETE_KEY, calls.handle(DELETE_KEY, (request, client) => keyCalls.remove(request, client))],
    [GET_KEY_INFO, calls.handle(GET_KEY_INFO, (request, client) => keyCalls.info(request, client))],
    [SIGN, calls.handle(SIGN, (request, client) => signCall.sign(request, client))],
    [HEALTH_CHECK, calls.handle(HEALTH_CHECK, (request) => checkHealth(request, () => isWell(keys, log)))],
  ];
  server.addService(
    Object.fromEntries(handlers.map(([method]) => [method.path, definitionOf(method)])),
    Object.fromEntries(handlers.map(([method, handle]) => [method.path, handle])),
  );
}

/** Whether keys can be asked for. */
async function isWell(keys: ServiceKeys, log: Log): Promise<boolean> {
  try {
    await assertReachable(keys);
    return true;
  } catch (error) {
    log.error({ error }, 'keys cannot be had');
    return false;
  }
}

/** @throws SigningServiceTlsError */
function assertUsable({ cert, key, clientCa }: SigningServiceTls, now: Date): void {
  try {
    const certificate = new X509Certificate(cert);
    if (!certificate.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is of another certificate');
    if (certificate.validToDate.getTime() < now.getTime()) throw new Error('the certificate has expired');
    if (!new X509Certificate(clientCa).ca) throw new Error("the clients' authority is none");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const text = 'a signing service needs a server certificate, its key, and the authority of its clients';
    throw new SigningServiceTlsError(`${text}: ${reason}`, { cause });
  }
}

function bind(server: Server, hostname: string, port: number, credentials: ServerCredentials): Promise<number> {
  const host = isIP(hostname) === 6 ? `[${hostname}]` : hostname;
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new ListenError(hostname, port, error));
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cutOff = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, DRAIN_MS);
    server.tryShutdown(() => {
      clearTimeout(cutOff);
      resolve();
    });
  });
}
