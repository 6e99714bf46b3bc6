// SPDX-License-Identifier: Apache-2.0
/**
 * The signing service: Notary's gRPC API over keys that never leave it. It believes no server: what it is asked to sign
 * is read, must be timestamp or snapshot metadata of the key's own role, and each use of a key is recorded before and
 * after. It never starts without certificates on both sides.
 *
 *     const service = await startSigningService({
 *       keys, hostname: '127.0.0.1', port: 7899, tls: { cert, key, clientCa }, clock: () => new Date(), log,
 *       audit: auditToLog(log),
 *     });
 *     await service.stop();
 */
export { auditToLog, type KeyUse } from './audit.ts';
export type { CallLimits } from './calls.ts';
export type { SigningServiceTls } from './changing-credentials.ts';
export type { AllowedClients } from './client-identity.ts';
export {
  type SigningService,
  type SigningServiceOptions,
  startSigningService,
} from './signing-service.ts';
