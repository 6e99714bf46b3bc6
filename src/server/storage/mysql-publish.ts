// SPDX-License-Identifier: Apache-2.0
import { bytesLiteral, mysqlLock, nullable, numberLiteral, textLiteral } from '../../service/database/index.ts';
import { type Gun, type RoleName, TIMESTAMP } from '../../tuf/index.ts';
import { writeMoment } from './rows.ts';
import { lockOf, type Publish } from './sql-storage.ts';

/** That a row of `tuf_files` is of this GUN: the collation finds it by the index, the bytes decide. */
function ofGun(gun: Gun): string {
  const name = textLiteral(gun);
  return `gun = ${name} and cast(convert(gun using utf8mb4) as binary) = cast(${name} as binary)`;
}

/** The newest file of each of these roles, without its content. */
export function headsStatement(gun: Gun, roles: readonly RoleName[]): string {
  const rows = roles.map((role, index) => {
    return `select * from (select role, version, sha256 from tuf_files where ${ofGun(gun)} and role = ${textLiteral(role)}
      and deleted_at is null order by version desc limit 1) as f${numberLiteral(index)}`;
  });
  return rows.join(' union all ');
}

/**
 * One publish as statements of one transaction, sent together. The lock comes first: each statement sees what is committed
 * when it begins, so the base is read as the last holder of the lock left it. The others write nothing unless it is the
 * one expected, and the last says whether it was.
 */
export function publishStatements({ gun, base, files, at, audit }: Publish): readonly string[] {
  const expected = base === undefined ? 'null' : bytesLiteral(Buffer.from(`${base.version} ${base.sha256}`));
  const isCurrent = `@hallmark_base <=> ${expected}`;
  const [name, time] = [textLiteral(gun), textLiteral(at)];
  const moments = { at: textLiteral(audit.at), actor: textLiteral(audit.actor) };
  return [
    mysqlLock(lockOf(gun)),
    `set @hallmark_base = (select cast(concat(version, ' ', coalesce(sha256, '')) as binary) from tuf_files
      where ${ofGun(gun)} and role = ${textLiteral(TIMESTAMP)} and deleted_at is null order by version desc limit 1)`,
    `insert into tuf_files (created_at, updated_at, gun, role, version, data, sha256)
      select ${time}, ${time}, ${name}, role, version, data, sha256 from (${fileRows(files)}) files where ${isCurrent}`,
    `insert into changefeed (created_at, gun, version, sha256, category)
      select ${time}, ${name}, version, sha256, ${textLiteral('update')} from (${timestampRows(files)}) files
      where ${isCurrent}`,
    `insert into hallmark_audit (at, actor, address, request_id, action, gun, detail)
      select ${moments.at}, ${moments.actor}, ${nullable(audit.address)}, ${nullable(audit.request_id)},
        ${textLiteral(audit.action)}, ${name}, ${textLiteral(audit.detail)} from dual where ${isCurrent}`,
    `insert into hallmark_expiry (gun, role, version, expires_at)
      select ${name}, role, version, expires_at from (${expiryRows(files)}) files where ${isCurrent}
      on duplicate key update version = values(version), expires_at = values(expires_at)`,
    `select ${isCurrent} as stored`,
  ];
}

type Files = Publish['files'];

function fileRows(files: Files): string {
  const rows = files.map(({ role, version, bytes, sha256 }) => {
    return `select ${textLiteral(role)} as role, ${numberLiteral(version)} as version, ${bytesLiteral(bytes)} as data,
      ${textLiteral(sha256)} as sha256`;
  });
  return rows.join(' union all ');
}

/** None where the update has no timestamp. */
function timestampRows(files: Files): string {
  const timestamp = files.find(({ role }) => role === TIMESTAMP);
  const [version, sha256] = [timestamp?.version ?? 0, timestamp?.sha256 ?? ''];
  const row = `select ${numberLiteral(version)} as version, ${textLiteral(sha256)} as sha256 from dual`;
  return timestamp === undefined ? `${row} where false` : row;
}

function expiryRows(files: Files): string {
  const rows = files.map(({ role, version, expires }) => {
    return `select ${textLiteral(role)} as role, ${numberLiteral(version)} as version,
      ${textLiteral(writeMoment(expires))} as expires_at`;
  });
  return rows.join(' union all ');
}
