// SPDX-License-Identifier: Apache-2.0
import type { AuditJson, AuditLine } from '../audit/index.ts';

/** What an endpoint can be told of. */
export const WEBHOOK_EVENTS = ['publish', 'delete', 'rotation', 'expiring'] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENTS)[number];

/** One message, the same however often it is sent. */
export interface WebhookEvent {
  /** The audit entry's ID and the type: whoever has seen it passes over it. */
  readonly id: string;
  readonly type: WebhookEventType;
  /** JSON, as it is signed and sent. */
  readonly body: string;
}

/** The messages that an entry of the audit log gives rise to, in the order in which they are sent. */
export function eventsOf(line: AuditLine): readonly WebhookEvent[] {
  return typesOf(line).map((type) => ({ id: `${line.id}.${type}`, type, body: bodyOf(line, type) }));
}

function typesOf({ action, detail }: AuditLine): readonly WebhookEventType[] {
  switch (action) {
    case 'publish':
      return changesRoot(detail.files) ? ['publish', 'rotation'] : ['publish'];
    case 'delete':
    case 'expiring':
      return [action];
    default:
      return [];
  }
}

/** Keys and thresholds change by a new root and by nothing else; the first root is no change. */
function changesRoot(files: AuditJson | undefined): boolean {
  return Array.isArray(files) && files.some((file) => file?.role === 'root' && Number(file.version) > 1);
}

function bodyOf({ id, at, actor, gun, detail }: AuditLine, type: WebhookEventType): string {
  const { name, requestId } = actor;
  // the address of whoever published is for the audit log, not for others
  return JSON.stringify({ id: `${id}.${type}`, type, at: at.toISOString(), gun, actor: name, requestId, ...detail });
}
