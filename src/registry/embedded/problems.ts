// SPDX-License-Identifier: Apache-2.0

/** The OCI distribution specification's error codes that this registry uses, each with its status. */
const STATUS = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 400,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  PAGINATION_NUMBER_INVALID: 400,
  RANGE_INVALID: 416,
  SIZE_INVALID: 413,
  TAG_INVALID: 400,
  TOOMANYREQUESTS: 429,
  UNSUPPORTED: 405,
  UNKNOWN: 500,
} as const;

export type ProblemCode = keyof typeof STATUS;

/** Thrown by a handler; the one place that answers it is the app. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }
}

export function problemResponse(problem: Problem): Response {
  // with no detail at all the Docker engine takes a missing manifest for a fault of the registry (500 in place of 404)
  const body = { errors: [{ code: problem.code, message: problem.message, detail: {} }] };
  return Response.json(body, { status: STATUS[problem.code], headers: problem.headers });
}
