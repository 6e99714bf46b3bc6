// SPDX-License-Identifier: Apache-2.0
import type { Selectable } from 'kysely';
import type { Gun, RoleName, Version } from '../../tuf/index.ts';
import { type AuditDetail, type AuditEntry, type AuditRecord, detailOf } from './audit.ts';
import type { HistoryEntry } from './listing.ts';
import type { Change, CommitContext, StoredFile, VerifiedFile } from './metadata-storage.ts';
import type { MetadataTables } from './schema.ts';

type Row<Table extends keyof MetadataTables> = Selectable<MetadataTables[Table]>;

export function storedFile(
  row: Pick<Row<'tuf_files'>, 'role' | 'version' | 'data' | 'sha256' | 'created_at'> | undefined,
): StoredFile | undefined {
  if (row === undefined) return undefined;
  return {
    role: row.role as RoleName,
    version: row.version as Version,
    bytes: row.data,
    sha256: unpadded(row.sha256),
    createdAt: row.created_at === null ? undefined : readTime(row.created_at),
  };
}

export function historyEntry(row: Pick<Row<'tuf_files'>, 'version' | 'sha256' | 'created_at'>): HistoryEntry {
  return {
    version: row.version as Version,
    sha256: unpadded(row.sha256),
    createdAt: row.created_at === null ? undefined : readTime(row.created_at),
  };
}

export function changeOf(row: Row<'changefeed'>): Change {
  return {
    id: String(row.id),
    createdAt: readTime(row.created_at ?? '1970-01-01 00:00:00'),
    gun: row.gun,
    version: row.version,
    sha256: unpadded(row.sha256),
    category: row.category === 'deletion' ? 'deletion' : 'update',
  };
}

/** A CHAR column pads what is shorter, such as the empty hash of a deletion. */
export function unpadded(sha256: string | null): string {
  return (sha256 ?? '').trimEnd();
}

export function auditRow({ at, actor, action, gun, detail }: AuditEntry): Omit<Row<'hallmark_audit'>, 'id'> {
  return {
    at: writeMoment(at),
    actor: fitting(actor.name),
    address: actor.address === undefined ? null : fitting(actor.address),
    request_id: actor.requestId === undefined ? null : fitting(actor.requestId),
    action,
    gun: gun ?? null,
    detail: JSON.stringify(detail),
  };
}

/** Names come from tokens and headers: none may be too long for its column, or a text that no database takes. */
function fitting(text: string): string {
  return text.slice(0, 255).toWellFormed().replaceAll('\0', '\u{fffd}');
}

export function auditRecord(row: Row<'hallmark_audit'>): AuditRecord {
  return {
    id: String(row.id),
    at: readTime(row.at),
    actor: {
      name: row.actor,
      ...(row.address === null ? {} : { address: row.address }),
      ...(row.request_id === null ? {} : { requestId: row.request_id }),
    },
    action: row.action,
    ...(row.gun === null ? {} : { gun: row.gun }),
    detail: JSON.parse(row.detail) as AuditDetail,
  };
}

/** The audit log's entry of a publish. */
export function publishEntry(gun: Gun, files: readonly VerifiedFile[], context: CommitContext): AuditEntry {
  return {
    at: context.now,
    actor: context.actor,
    action: context.action ?? 'publish',
    gun,
    detail: detailOf(files),
  };
}

/** `2026-11-22 14:14:23`, the spelling that SQLite, PostgreSQL and MySQL all take. */
export function writeTime(time: Date): string {
  return writeMoment(time).slice(0, 19);
}

/** As {@link writeTime}, with milliseconds. */
export function writeMoment(time: Date): string {
  return time.toISOString().slice(0, 23).replace('T', ' ');
}

export function readTime(text: string): Date {
  return new Date(`${text.replace(' ', 'T')}Z`);
}
