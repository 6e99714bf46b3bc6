// SPDX-License-Identifier: Apache-2.0

import { DownloadError } from '../../client/index.ts';
import { PublishError } from '../../publisher/index.ts';
import { KeyStoreError } from '../../signing/index.ts';
import { TARGETS, VerificationError } from '../../tuf/index.ts';
import { failureOf } from '../errors.ts';
import { oneLine } from '../one-line.ts';

/** A command that failed, in Docker's words. */
export class TrustCommandError extends Error {
  override readonly name = 'TrustCommandError';
  readonly exitCode: number;
  /** What mends it, or more about the cause than Docker tells. */
  readonly hint: string | undefined;

  constructor(message: string, about: { exitCode?: number; hint?: string | undefined; cause?: unknown } = {}) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.exitCode = about.exitCode ?? 1;
    this.hint = about.hint;
  }
}

/** What the user is told of a failure, for the repository `subject`. */
export function describeFailure(error: unknown, subject: string): { readonly exitCode: number; readonly text: string } {
  if (error instanceof TrustCommandError)
    return { exitCode: error.exitCode, text: withHint(error.message, error.hint) };
  const { message, hint } = failureOf(error, subject);
  // hints that speak of hallmark's own flags would send the user astray
  const fits = hint !== undefined && !/hallmark |--/.test(hint) ? hint : undefined;
  return { exitCode: 1, text: withHint(oneLine(message), fits) };
}

function withHint(message: string, hint: string | undefined): string {
  return `${message}\n${hint === undefined ? '' : `hint: ${oneLine(hint)}\n`}`;
}

/** The failure of a part, as Docker puts it behind the name of the whole: `failed to sign app:1: …`. */
export function wrapped(whole: string, error: unknown, subject: string): TrustCommandError {
  const { message, hint } = reasonOf(error, subject);
  return new TrustCommandError(`${whole}: ${message}`, { hint, cause: error });
}

/** The failure of a command about key files, where no key is missing but a passphrase or a file is. */
export function wrappedKeyFailure(whole: string, error: unknown, subject: string): TrustCommandError {
  if (!(error instanceof KeyStoreError)) return wrapped(whole, error, subject);
  // the first half of such a remedy is a variable that Docker knows too, the second a flag of hallmark alone
  const hint = error.remedy?.replace(/,? or give --.*$/, '');
  return new TrustCommandError(`${whole}: ${oneLine(error.message)}`, { hint, cause: error });
}

/** A failure as Docker tells it, and what Docker leaves out. */
export function reasonOf(error: unknown, subject: string): { readonly message: string; readonly hint?: string } {
  if (error instanceof TrustCommandError) return plain(error.message, error.hint);
  if (error instanceof PublishError && error.code === 'no-signing-key') {
    const inDelegations = error.roles.length > 0 && !error.roles.includes(TARGETS);
    return plain(
      inDelegations ? 'no valid signing keys for delegation roles' : keysMissing(error.keyIds),
      error.message,
    );
  }
  if (error instanceof PublishError && error.code === 'rejected')
    return plain('trust server rejected operation.', error.message);
  if (error instanceof KeyStoreError && error.keyId !== undefined && isClosed(error))
    return plain(keysMissing([error.keyId]), error.message);
  if (error instanceof KeyStoreError) return plain(error.message, error.remedy);
  if (error instanceof PublishError || error instanceof DownloadError) return plain(error.message);
  if (error instanceof VerificationError && error.code === 'unsigned') return plain(error.message);
  return plain(failureOf(error, subject).message.replace(/^error: /, ''));
}

function plain(message: string, hint?: string): { message: string; hint?: string } {
  return { message: oneLine(message), ...(hint === undefined ? {} : { hint }) };
}

function isClosed({ code }: KeyStoreError): boolean {
  return code === 'wrong-passphrase' || code === 'no-passphrase';
}

function keysMissing(keyIds: readonly string[]): string {
  return `could not find necessary signing keys, at least one of these keys must be available: ${keyIds.join(', ')}`;
}
