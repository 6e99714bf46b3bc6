// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Io } from './io.ts';
import { type GlobalOptions, trustDirectory } from './settings.ts';

/** `--policy`, `HALLMARK_POLICY`, else `<trust dir>/hallmark/policy.yaml` if there is one. */
export function policyPath(io: Io, options: GlobalOptions): string | undefined {
  const given = options.policy ?? (io.env.HALLMARK_POLICY || undefined);
  if (given !== undefined) return given;
  const place = join(trustDirectory(io, options), 'hallmark', 'policy.yaml');
  return existsSync(place) ? place : undefined;
}
