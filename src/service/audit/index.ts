// SPDX-License-Identifier: Apache-2.0
/**
 * What becomes of a service's audit log beside its database: whoever follows it passes over nothing, and a copy in a file
 * shows whether it was changed. Nothing here decides what is recorded.
 *
 *     const writer = await AuditWriter.open({ source: storage, path, coordination, name: hostname(), log });
 *     writer.start();
 *     await writer.stop();
 *     const { entries, head } = await verifyAuditFile(path);
 */
export { AuditFile } from './audit-file.ts';
export { AuditWriter } from './audit-writer.ts';
export { type ChainHead, fieldsOf } from './chain.ts';
export { AuditFileTail } from './file-tail.ts';
export { AuditFollower, type FollowerOptions, newestPosition } from './follower.ts';
export { readAuditFile, verifyAuditFile } from './lines.ts';
export type { AuditJson, AuditLine, AuditLineQuery, AuditSource } from './records.ts';
