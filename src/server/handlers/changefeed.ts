// SPDX-License-Identifier: Apache-2.0
import { queryOf } from '../../service/index.ts';
import type { Gun } from '../../tuf/index.ts';
import { TrustProblem } from '../problems.ts';
import { textResponse } from '../responses.ts';
import type { ChangeQuery } from '../storage/index.ts';
import type { TrustServices } from '../trust-services.ts';

const DEFAULT_RECORDS = 100;
/** More than this at once serves nobody, and would cost memory (S23). */
const MAX_RECORDS = 10_000;

/** GET /v2/_trust/changefeed and /v2/GUN/_trust/changefeed (reference 6.7). */
export async function changefeed(gun: Gun | undefined, url: string, { storage }: TrustServices): Promise<Response> {
  const changes = await storage.changes(changeQuery(gun, queryOf(url)));
  const records = changes.map((change) => ({
    ID: change.id,
    CreatedAt: change.createdAt.toISOString().replace(/\.?0*Z$/, 'Z'),
    GUN: change.gun,
    Version: change.version,
    SHA256: change.sha256,
    Category: change.category,
  }));
  return textResponse(JSON.stringify({ count: records.length, records }));
}

/** A negative number of records counts backwards: from `change_id` if that is positive, else from the end. */
function changeQuery(gun: Gun | undefined, parameters: URLSearchParams): ChangeQuery {
  const records = int32(parameters.get('records') ?? '') || DEFAULT_RECORDS;
  const text = parameters.get('change_id') ?? '';
  const id = text === '' ? 0 : int32(text);
  const about = gun === undefined ? {} : { gun };
  const bound = id > 0 ? { bound: id } : {};
  const from = records < 0 || id < 0 ? 'newest' : 'oldest';
  return { ...about, ...bound, from, limit: Math.min(Math.abs(records), MAX_RECORDS) };
}

function int32(text: string): number {
  const quoted = JSON.stringify(text.slice(0, 40));
  const about = `invalid parameter: parsing ${quoted}`;
  if (!/^[+-]?\d+$/.test(text)) throw new TrustProblem('INVALID_PARAMETERS', `${about}: invalid syntax`);
  const value = Number(text);
  if (value < -(2 ** 31) || value >= 2 ** 31) {
    throw new TrustProblem('INVALID_PARAMETERS', `${about}: value out of range`);
  }
  return value;
}
