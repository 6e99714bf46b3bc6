// SPDX-License-Identifier: Apache-2.0
import { DownloadError, TrustDirectoryError } from '../../client/index.ts';
import { ChangelistError, PublishError } from '../../publisher/index.ts';
import { KeyStoreError } from '../../signing/index.ts';
import { MetadataError, VerificationError } from '../../tuf/index.ts';
import { UNKNOWN_AUTHORITY } from '../tls-files.ts';
import { UsageError } from '../usage-error.ts';
import { NotaryError } from './errors.ts';
import type { NotaryLog } from './log.ts';

/** Whom an error is about. */
export interface Subject {
  readonly server: string;
  readonly gun: string;
  readonly log: NotaryLog;
}

const PATH = 'could not validate the path to a trusted root: ';
const ROTATE =
  'could not rotate trust to a new trusted root: failed to validate data with current trusted certificates';

/** What is printed for an error, in the original's words where it has some (reference 4.5, 5.3). */
export function fatalText(error: unknown, subject: Subject): string {
  if (error instanceof VerificationError) return untrusted(error, subject);
  if (error instanceof DownloadError) return notHad(error, subject);
  if (error instanceof PublishError) return notPublished(error, subject);
  if (error instanceof KeyStoreError) return keyProblem(error);
  if (error instanceof NotaryError || error instanceof UsageError || error instanceof ChangelistError)
    return error.message;
  if (error instanceof MetadataError || error instanceof TrustDirectoryError) return error.message;
  if (error instanceof Error && 'code' in error && 'syscall' in error) return error.message;
  return `internal error: ${error instanceof Error ? error.message : String(error)}`;
}

function untrusted(error: VerificationError, { server, gun, log }: Subject): string {
  const { code, role, message } = error;
  switch (code) {
    case 'unsigned':
      if (role === 'root') return `${hostOf(server)} does not have trust data for ${gun}`;
      if (role === 'timestamp') return 'timestamp trust data unavailable.  Has a notary repository been initialized?';
      return message;
    case 'expired':
      log.error(`Metadata for ${role} expired`);
      return error.actual === undefined ? message : `${role} expired at ${goDate(new Date(error.actual))}`;
    case 'unusable-root-key':
      return `${PATH}unable to retrieve valid leaf certificates`;
    case 'unmet-pin':
      return `${PATH}${pinProblem(message)}`;
    case 'root-chain':
      return ROTATE;
    case 'threshold':
      return role === 'root'
        ? `${PATH}failed to validate integrity of roots`
        : `valid signatures did not meet threshold for ${role}`;
    case 'rollback':
    case 'hash-mismatch':
    case 'length-mismatch':
    case 'malformed':
      return message;
    default:
      return code satisfies never;
  }
}

function pinProblem(message: string): string {
  if (message.startsWith('no pin covers')) return 'invalid trust pinning specified';
  if (message.startsWith('pinned CA file')) return 'invalid CA certs provided';
  return 'unable to match any certificates to trust_pinning config';
}

function notHad(error: DownloadError, { server, log }: Subject): string {
  switch (error.code) {
    case 'unreachable':
    case 'timeout':
      log.error(`could not reach ${server}: ${error.message}${authorityHint(error)}`);
      return 'client is offline';
    case 'unavailable':
      return `unable to reach trust server at this time: ${error.status}.`;
    case 'unauthorized':
      return error.status === undefined
        ? error.message
        : `you are not authorized to perform this operation: server returned ${error.status}.`;
    case 'rejected':
      return error.status === undefined ? error.message : `unable to reach trust server at this time: ${error.status}.`;
    case 'too-large':
      return 'trust server returned a bad response.';
    case 'not-found':
      return `${error.message}: trust data unavailable.  Has a notary repository been initialized?`;
    default:
      return error.code satisfies never;
  }
}

function authorityHint({ cause }: DownloadError): string {
  const isUnknown = cause instanceof Error && 'code' in cause && UNKNOWN_AUTHORITY.has(String(cause.code));
  return isUnknown ? ' (an authority that is not known here: name it with --tlscacert FILE)' : '';
}

/** By the names that a server gives its reasons (reference 4.5). */
const REASONS: Readonly<Record<string, string>> = {
  ErrValidation: 'An error occurred during validation: ',
  ErrBadHierarchy: 'Metadata hierarchy is incomplete: ',
  ErrBadRoot: 'The root metadata is invalid: ',
  ErrBadTargets: 'The targets metadata is invalid: ',
  ErrBadSnapshot: 'The snapshot metadata is invalid: ',
};

function notPublished(error: PublishError, { log }: Subject): string {
  const { code, message, reason, keyIds, needed } = error;
  if (code === 'conflict') log.error(message);
  if (code === 'conflict') return 'trust server rejected operation.';
  if (code === 'rejected') {
    const prefix = reason && REASONS[reason.name];
    return prefix === undefined || reason === undefined
      ? 'trust server rejected operation.'
      : `${prefix}${reason.message}`;
  }
  if (code === 'no-signing-key' && needed !== undefined)
    return `signing keys not available: need ${needed} keys from ${keyIds.length} possible keys (${keyIds.join(', ')})`;
  return message;
}

function keyProblem({ code, message, remedy }: KeyStoreError): string {
  if (code === 'wrong-passphrase') return 'password invalid, operation has failed.';
  return remedy === undefined || code === 'no-passphrase' ? message : `${message}: ${remedy}`;
}

function hostOf(server: string): string {
  return URL.parse(server)?.host || server;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Sat Nov 21 14:16:33 UTC 2026`. */
function goDate(date: Date): string {
  const day = String(date.getUTCDate()).padStart(2);
  const time = date.toISOString().slice(11, 19);
  return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${day} ${time} UTC ${date.getUTCFullYear()}`;
}
