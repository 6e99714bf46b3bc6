// SPDX-License-Identifier: Apache-2.0
import { DecodeError, decodeBase64, decodeJson, type JsonValue } from '../encoding/index.ts';
import {
  kindOf,
  MetadataError,
  notaryV1,
  parseRoleName,
  ROOT,
  type RoleName,
  type Signed,
  TIMESTAMP,
} from '../tuf/index.ts';
import type { UpdateLimits } from './limits.ts';
import type { Part } from './multipart.ts';
import { TrustProblem } from './problems.ts';
import { refusalKind, UpdateRefusal } from './refusals.ts';

/** A file of an update: well-formed, and in the form that every Notary would write; not yet trusted. */
export interface Upload {
  readonly role: RoleName;
  readonly bytes: Uint8Array;
  readonly signed: Signed;
}

export type Uploads = ReadonlyMap<RoleName, Upload>;

/**
 * The files of an update (reference 6.5, steps 2 to 4). A timestamp is passed over: only the server makes one. A role
 * that comes twice is refused, since verifying one copy and storing the other would be a hole.
 * @throws TrustProblem, UpdateRefusal
 */
export function readUploads(parts: readonly Part[], limits: UpdateLimits): Uploads {
  const uploads = new Map<RoleName, Upload>();
  for (const { fileName, bytes } of parts) {
    const role = roleOf(fileName);
    if (role === TIMESTAMP) continue;
    if (uploads.has(role)) throw new TrustProblem('MALFORMED_UPLOAD', `${role} is there twice`);
    uploads.set(role, readUpload(role, bytes, limits));
  }
  return uploads;
}

function roleOf(fileName: string | undefined): RoleName {
  const name = fileName?.replace(/\.json$/, '') ?? '';
  if (name === '') throw new TrustProblem('NO_FILENAME');
  try {
    return parseRoleName(name);
  } catch (cause) {
    throw new TrustProblem('INVALID_ROLE', name.slice(0, 255).toWellFormed(), { cause });
  }
}

function readUpload(role: RoleName, bytes: Uint8Array, limits: UpdateLimits): Upload {
  const kind = kindOf(role);
  if (bytes.length > limits.roleBytes[kind]) {
    throw new TrustProblem('TOO_LARGE', `${role} has more than ${limits.roleBytes[kind]} bytes`);
  }
  try {
    // W server accepts non-canonical uploads: Notary stores them and can never serve them again
    const { signed, signatures } = notaryV1.decodeCanonical(kind, bytes);
    // that of a root is judged together with its certificates
    if (signatures.length === 0 && role !== ROOT) throw new MetadataError('malformed', 'no signatures');
    return { role, bytes, signed };
  } catch (cause) {
    if (!(cause instanceof MetadataError)) throw cause;
    const problem = unreadable(bytes);
    if (problem !== undefined) throw new TrustProblem('MALFORMED_JSON', problem, { cause });
    throw new UpdateRefusal(refusalKind(role), hasSignatures(bytes) ? cause.message : 'tuf: data has no signatures', {
      cause,
    });
  }
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * Why the file is not even the envelope that Notary's own decoder would take: it answers `MALFORMED_JSON` to that, and
 * to everything else with what is wrong.
 */
function unreadable(bytes: Uint8Array): string | undefined {
  try {
    const file = decodeJson(bytes);
    if (file !== null && !isObject(file)) return 'not an object';
    const signed = field(file, 'signed');
    if (signed !== null && !isObject(signed)) return '"signed" is not an object';
    const [version, expires] = [field(signed, 'version'), field(signed, 'expires')];
    if (version !== null && typeof version !== 'number') return '"version" is not an integer';
    if (expires !== null && !RFC3339.test(String(expires))) return '"expires" is not an RFC 3339 time';
    const signatures = field(file, 'signatures');
    if (signatures !== null && !Array.isArray(signatures)) return '"signatures" is not an array';
    for (const signature of signatures ?? []) decodeBase64(String(field(signature, 'sig')));
    return undefined;
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
}

function hasSignatures(bytes: Uint8Array): boolean {
  const signatures = field(decodeJson(bytes), 'signatures');
  return Array.isArray(signatures) && signatures.length > 0;
}

function isObject(value: JsonValue): value is ReadonlyMap<string, JsonValue> {
  return value instanceof Map;
}

/** A field of an object; `null` when there is none, as Go's decoder has it. */
function field(value: JsonValue, name: string): JsonValue {
  return (value instanceof Map && value.get(name)) || null;
}
