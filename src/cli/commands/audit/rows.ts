// SPDX-License-Identifier: Apache-2.0
import { type AuditJson, type AuditLine, fieldsOf } from '../../../service/audit/index.ts';

export const TITLES = ['TIME', 'ACTION', 'REPOSITORY', 'ACTOR', 'ADDRESS', 'DETAIL'];

/** One entry for people. */
export function rowOf(line: AuditLine): readonly string[] {
  const { at, action, gun = '-', actor } = line;
  const time = at.toISOString().replace('T', ' ').slice(0, 19);
  return [time, action, gun, actor.name, actor.address ?? '-', detailOf(line)];
}

/** The same for programs: the fields of the server's own files. */
export const jsonOf = fieldsOf;

function detailOf({ detail }: AuditLine): string {
  const { files, ...others } = detail;
  const told = Array.isArray(files) ? [files.map(fileOf).join(', ')] : [];
  return [...told, ...Object.entries(others).map(([name, value]) => `${name}=${plain(value)}`)].join(' ');
}

function fileOf(file: AuditJson): string {
  const { role, version } = file as { readonly role?: AuditJson; readonly version?: AuditJson };
  return `${plain(role ?? '?')} ${plain(version ?? '?')}`;
}

function plain(value: AuditJson): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
