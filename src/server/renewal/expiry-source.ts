// SPDX-License-Identifier: Apache-2.0
import type { MetadataStorage } from '../storage/index.ts';

/** What renewal asks of storage. */
export type ExpirySource = Pick<MetadataStorage, 'expiring' | 'backfillExpiry'>;

/** Where notices are recorded, and looked for. */
export type NoticeLog = Pick<MetadataStorage, 'audit' | 'recordAudit'>;
