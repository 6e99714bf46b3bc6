// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { endsSoon } from '../certificate-end.ts';
import { isReadableByAll } from './secret-file.ts';

/** What became of one check of a configuration. */
export interface CheckResult {
  readonly check: string;
  readonly result: 'ok' | 'warning' | 'failed';
  /** What was found, or what is wrong. */
  readonly detail: string;
}

/** What can be used, and will not be for long. */
export interface Doubt {
  readonly warning: string;
}

/** Something to try, by its name; resolves with what was found, and rejects with what is wrong. */
export type NamedCheck = readonly [name: string, look: () => Promise<string | Doubt>];

/** What a service's settings give to look at. */
export interface Checks {
  /** Of the settings themselves. */
  readonly warnings: readonly string[];
  readonly checks: readonly NamedCheck[];
  /** Files that hold secrets. */
  readonly secrets: readonly (string | undefined)[];
}

/** Tries everything, whatever fails on the way; nothing is changed. */
export async function runChecks({ warnings, checks, secrets }: Checks): Promise<readonly CheckResult[]> {
  const told = warnings.map((detail): CheckResult => ({ check: 'settings', result: 'warning', detail }));
  const found = await Promise.all(checks.map(tried));
  return [...told, ...found, ...(await openSecrets(secrets))];
}

async function tried([check, look]: NamedCheck): Promise<CheckResult> {
  try {
    const found = await look();
    if (typeof found === 'string') return { check, result: 'ok', detail: found };
    return { check, result: 'warning', detail: found.warning };
  } catch (error) {
    return { check, result: 'failed', detail: messageOf(error) };
  }
}

/** That a service's certificate can be used: whose it is, and until when; a warning where that is within a month. */
export function certificateCheck(load: () => Promise<{ readonly cert: string }>, now: Date): NamedCheck {
  return [
    'certificate',
    async () => {
      const { subject, validToDate } = new X509Certificate((await load()).cert);
      const found = `${subject.replaceAll('\n', ', ')}, until ${validToDate.toISOString().slice(0, 10)}`;
      return endsSoon(validToDate, now) ? { warning: `${found}: renew it` } : found;
    },
  ];
}

/** With the innermost cause, which is what has to be mended; a gRPC error's has been told in the message already. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  let innermost: Error = error;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  const first = (text: string) => text.split('\n')[0] ?? '';
  const code = 'code' in innermost ? innermost.code : undefined;
  const isTold =
    error.message.includes(innermost.message) ||
    typeof code === 'number' ||
    (typeof code === 'string' && error.message.includes(code));
  if (isTold) return first(error.message);
  return `${first(error.message)}: ${withoutPath(first(innermost.message), error.message)}`;
}

/** What the file system says, without the path where that stands before it: `ENOENT: no such file or directory`. */
function withoutPath(reason: string, told: string): string {
  const [call, path] = /, [a-z]+ '(.+)'$/.exec(reason) ?? [];
  return call !== undefined && path !== undefined && told.includes(path) ? reason.slice(0, -call.length) : reason;
}

/** Files that hold secrets and that everybody on the machine may read (S7). */
async function openSecrets(paths: readonly (string | undefined)[]): Promise<readonly CheckResult[]> {
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
