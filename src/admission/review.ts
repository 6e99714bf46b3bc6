// SPDX-License-Identifier: Apache-2.0

/** A JSON object as the API server sent it. Only own members are looked at: a name such as `__proto__` is one like any other. */
export type JsonObject = { readonly [member: string]: unknown };

export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly operation: string;
  readonly namespace: string | undefined;
  readonly object: JsonObject | undefined;
  readonly oldObject: JsonObject | undefined;
}

/** A body that is not an AdmissionReview of version 1. */
export class ReviewError extends Error {
  override readonly name = 'ReviewError';
}

/** Longer than any uid that an API server makes. */
const MAX_UID = 256;

/** Reads `admission.k8s.io/v1`, the one version that there is. @throws ReviewError */
export function parseReview(text: string): AdmissionRequest {
  const review = objectOf(parse(text));
  if (
    review === undefined ||
    member(review, 'apiVersion') !== 'admission.k8s.io/v1' ||
    member(review, 'kind') !== 'AdmissionReview'
  )
    throw new ReviewError('not an AdmissionReview of admission.k8s.io/v1');
  const request = objectOf(member(review, 'request'));
  const uid = member(request, 'uid');
  const kind = objectOf(member(request, 'kind'));
  const operation = member(request, 'operation');
  if (request === undefined || typeof uid !== 'string' || uid === '' || uid.length > MAX_UID)
    throw new ReviewError('the review has no request with a uid');
  if (kind === undefined || typeof member(kind, 'kind') !== 'string' || typeof operation !== 'string')
    throw new ReviewError('the request does not say of what kind its object is, or what is done with it');
  const namespace = member(request, 'namespace');
  return {
    uid,
    kind: {
      group: textOf(member(kind, 'group')),
      version: textOf(member(kind, 'version')),
      kind: textOf(member(kind, 'kind')),
    },
    operation,
    namespace: typeof namespace === 'string' && namespace !== '' ? namespace : undefined,
    object: objectOf(member(request, 'object')),
    oldObject: objectOf(member(request, 'oldObject')),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ReviewError('not JSON', { cause });
  }
}

export function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** An own member; undefined where there is none, or nothing that could have one. */
export function member(value: unknown, name: string): unknown {
  const object = objectOf(value);
  return object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** RFC 6902. */
export interface PatchOperation {
  readonly op: 'replace';
  readonly path: string;
  readonly value: string;
}

export interface Verdict {
  readonly allowed: boolean;
  /** Why not, for the person whose object it is. */
  readonly message?: string;
  /** 403 for evidence that is bad, 503 for what could not be had (property 4). */
  readonly code?: 403 | 503;
  readonly warnings?: readonly string[];
  readonly patch?: readonly PatchOperation[];
}

/** What the API server shows of a warning. */
const MAX_WARNING = 250;

/** The answer in the form of the API; the request's uid is echoed. */
export function reviewOf(uid: string, { allowed, message, code, warnings = [], patch = [] }: Verdict): object {
  const status = allowed
    ? {}
    : {
        status: {
          code: code ?? 403,
          message: message ?? '',
          reason: code === 503 ? 'ServiceUnavailable' : 'Forbidden',
        },
      };
  const told = warnings.length === 0 ? {} : { warnings: warnings.map((warning) => warning.slice(0, MAX_WARNING)) };
  const change =
    allowed && patch.length > 0
      ? { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
      : {};
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed, ...status, ...told, ...change },
  };
}
