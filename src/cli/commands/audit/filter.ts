// SPDX-License-Identifier: Apache-2.0
import type { AuditLine } from '../../../service/audit/index.ts';
import { type Gun, parseGun } from '../../../tuf/index.ts';
import { parseDuration } from '../../settings.ts';
import { UsageError } from '../../usage-error.ts';

/** Which entries are asked for, as it is said on the command line. */
export interface FilterOptions {
  readonly gun?: string;
  readonly actor?: string;
  readonly action?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly limit: string;
}

/** The same, read. */
export interface AuditFilter {
  readonly gun?: Gun;
  readonly actor?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly limit: number;
  readonly now: Date;
  matches(line: AuditLine): boolean;
}

/** @throws UsageError, MetadataError for a name that is no GUN */
export function parseFilter({ gun, actor, action, since, until, limit }: FilterOptions, now: Date): AuditFilter {
  if (!/^[1-9]\d{0,6}$/.test(limit)) throw new UsageError(`--limit: ${limit} is no number of entries`);
  const given = {
    ...(gun === undefined ? {} : { gun: parseGun(gun) }),
    ...(actor === undefined ? {} : { actor }),
    ...(since === undefined ? {} : { since: parseMoment(since, '--since', now) }),
    ...(until === undefined ? {} : { until: parseMoment(until, '--until', now) }),
  };
  const matches = (line: AuditLine) =>
    (gun === undefined || line.gun === gun) &&
    (actor === undefined || line.actor.name === actor) &&
    (action?.includes(line.action) ?? true) &&
    (given.since === undefined || line.at >= given.since) &&
    (given.until === undefined || line.at < given.until);
  return { ...given, limit: Number(limit), now, matches };
}

const MOMENT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/;

function parseMoment(text: string, option: string, now: Date): Date {
  if (/^\d+[smhd]$/.test(text)) return new Date(now.getTime() - parseDuration(text, option));
  const moment = new Date(text);
  if (!MOMENT.test(text) || Number.isNaN(moment.getTime())) {
    throw new UsageError(`${option}: ${text} is neither a moment such as 2026-11-25T12:00:00Z nor a span such as 7d`);
  }
  return moment;
}
