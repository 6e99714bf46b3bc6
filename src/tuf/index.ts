// SPDX-License-Identifier: Apache-2.0
/**
 * The core of The Update Framework: names, metadata, keys, signatures, the stages of a client's update, delegations,
 * and the next version of a role. Pure and synchronous: it never reads a file, a network or a clock.
 *
 *     const context = { dialect: notaryV1, gun, now, marks: new Map() };
 *     const root = TrustedRoot.bootstrap(rootFile, context, pin);
 *     const targets = root.updateTimestamp(ts).updateSnapshot(sn).updateTargets(tg);
 *     findTarget(targets.roles, 'latest');
 */

export type { UpdateContext } from './admission.ts';
export { BoundedMap } from './bounded-map.ts';
export * from './crypto.ts';
export * from './delegations.ts';
export * from './dialect.ts';
export { decodeKey as decodeKeyObject, keyObject, notaryV1, readCertificate } from './dialects/notary-v1/index.ts';
export { encodeName, tufV1 } from './dialects/tuf-v1/index.ts';
export * from './edit.ts';
export * from './errors.ts';
export * from './keys.ts';
export * from './metadata.ts';
export * from './metadata-error.ts';
export * from './names.ts';
export * from './path-patterns.ts';
export * from './pin.ts';
export * from './rollback.ts';
export * from './schemes.ts';
export * from './target-search.ts';
export * from './trusted.ts';
export * from './verify.ts';
