// SPDX-License-Identifier: Apache-2.0
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Io } from './io.ts';
import { type GlobalOptions, trustDirectory } from './settings.ts';

/** `--policy`, `HALLMARK_POLICY`, else `<trust dir>/hallmark/policy.yaml` if there is one. */
export function policyPath(io: Io, options: GlobalOptions): string | undefined {
  const given = options.policy ?? (io.env.HALLMARK_POLICY || undefined);
  if (given !== undefined) return given;
  const place = join(trustDirectory(io, options), 'hallmark', 'policy.yaml');
  return isAbsent(place) ? undefined : place;
}

/** Only where nothing has the name is there no policy: one that cannot be read must not be passed over (S28). */
function isAbsent(place: string): boolean {
  try {
    return lstatSync(place, { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    // a file where the trust directory should be: nothing is in it, and whoever needs the directory says so
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
  }
}
