// SPDX-License-Identifier: Apache-2.0
import { isTopLevel, type RoleName, type VerificationError } from '../tuf/index.ts';

/** Notary's kinds of refused updates; its clients turn each into a sentence of their own (reference 4.5). */
export type RefusalKind = 'ErrValidation' | 'ErrBadHierarchy' | 'ErrBadRoot' | 'ErrBadTargets' | 'ErrBadSnapshot';

const MAX_MESSAGE = 320;

/** What an error body says of a refused update. */
export interface RefusalDetail {
  readonly Name: RefusalKind;
  readonly Error: { readonly Msg: string; readonly Missing?: RoleName };
}

/** An update that a client would not accept, so the server stores nothing of it. */
export class UpdateRefusal extends Error {
  override readonly name = 'UpdateRefusal';
  readonly kind: RefusalKind;
  /** The role that an `ErrBadHierarchy` misses. */
  readonly missing: RoleName | undefined;

  constructor(kind: RefusalKind, message: string, options: { cause?: unknown; missing?: RoleName } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.missing = options.missing;
  }

  /** The form in which Notary's clients read it; short enough for the KiB of an error that they read. */
  detail(): RefusalDetail {
    const text = this.message.replace(/\p{C}/gu, '?');
    const Msg = text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE).toWellFormed()}…` : text;
    const error = this.missing === undefined ? { Msg } : { Missing: this.missing, Msg };
    return { Name: this.kind, Error: error };
  }
}

/** The kind under which Notary reports what is wrong with a role's file. */
export function refusalKind(role: RoleName): RefusalKind {
  if (!isTopLevel(role)) return 'ErrBadTargets';
  switch (role) {
    case 'root':
      return 'ErrBadRoot';
    case 'targets':
      return 'ErrBadTargets';
    case 'snapshot':
      return 'ErrBadSnapshot';
    case 'timestamp':
      return 'ErrValidation';
    default:
      return role satisfies never;
  }
}

/** A failed check in Notary's words where it has some, since scripts look for them. */
export function refusalOf(error: VerificationError): UpdateRefusal {
  // it is the snapshot that states the hash and length of everything else
  const mispinned = error.code === 'hash-mismatch' || error.code === 'length-mismatch';
  return new UpdateRefusal(mispinned ? 'ErrBadSnapshot' : refusalKind(error.role), wording(error), { cause: error });
}

const NO_PATH = 'could not validate the path to a trusted root';

function wording({ code, role, message, expected, actual }: VerificationError): string {
  switch (code) {
    case 'threshold':
      return role === 'root'
        ? `${NO_PATH}: failed to validate integrity of roots`
        : `valid signatures did not meet threshold for ${role}`;
    case 'root-chain':
      return 'could not rotate trust to a new trusted root: failed to validate data with current trusted certificates';
    case 'unusable-root-key':
      return `${NO_PATH}: unable to retrieve valid leaf certificates`;
    case 'expired':
      return actual === undefined ? message : `${role} expired at ${goDate(new Date(actual))}`;
    case 'hash-mismatch':
      return expected?.length === 64 ? `sha256 checksum for ${role} did not match: expected ${expected}` : message;
    case 'malformed':
    case 'rollback':
    case 'length-mismatch':
    case 'unmet-pin':
    case 'unsigned':
      return message;
    default:
      return code satisfies never;
  }
}

/** Go's layout `Mon Jan 2 15:04:05 MST 2006`, in UTC. */
function goDate(date: Date): string {
  const [day, number, month, year, time] = date.toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${Number(number)} ${time} UTC ${year}`;
}
