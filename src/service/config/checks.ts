// SPDX-License-Identifier: Apache-2.0
import { isReadableByAll } from './secret-file.ts';

/** What became of one check of a configuration. */
export interface CheckResult {
  readonly check: string;
  readonly result: 'ok' | 'warning' | 'failed';
  /** What was found, or what is wrong. */
  readonly detail: string;
}

/** Something to try, by its name; resolves with what was found, and rejects with what is wrong. */
export type NamedCheck = readonly [name: string, look: () => Promise<string>];

/** Tries everything, whatever fails on the way. */
export function runChecks(checks: readonly NamedCheck[]): Promise<readonly CheckResult[]> {
  return Promise.all(
    checks.map(async ([check, look]): Promise<CheckResult> => {
      try {
        return { check, result: 'ok', detail: await look() };
      } catch (error) {
        return { check, result: 'failed', detail: messageOf(error) };
      }
    }),
  );
}

/** With the innermost cause, which is what has to be mended; a gRPC error's has been told in the message already. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  let innermost: Error = error;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  const first = (text: string) => text.split('\n')[0] ?? '';
  const isTold =
    error.message.includes(innermost.message) || ('code' in innermost && typeof innermost.code === 'number');
  if (isTold) return first(error.message);
  return `${first(error.message)}: ${first(innermost.message)}`;
}

/** Files that hold secrets and that everybody on the machine may read (S7). */
export async function openSecrets(paths: readonly (string | undefined)[]): Promise<readonly CheckResult[]> {
  const given = [...new Set(paths.filter((path) => path !== undefined))];
  const open = await Promise.all(given.map((path) => isReadableByAll(path)));
  return given
    .filter((_, index) => open[index])
    .map((path) => ({
      check: 'permissions',
      result: 'warning',
      detail: `everybody on this machine may read ${path}: chmod o-r`,
    }));
}
