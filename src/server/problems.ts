// SPDX-License-Identifier: Apache-2.0
import { DatabaseUnavailableError, StatementTooLargeError } from '../service/database/index.ts';
import type { Log } from '../service/index.ts';
import { RemoteSignerError } from '../signing/protocol/index.ts';
import { ServiceKeyError } from '../signing/service-keys/index.ts';
import { AuthenticationError, AuthenticationUnavailableError, resourceOf, TooManyAttemptsError } from './auth/index.ts';
import { UpdateRefusal } from './refusals.ts';
import { ConflictError, UnstorableNameError } from './storage/index.ts';

/**
 * Status and message by the code of Notary's error bodies (reference 6.3): the one place that knows them. `TOO_LARGE`,
 * `REQUEST_TIMEOUT` and `UNAVAILABLE` are ours.
 */
const PROBLEMS = {
  NO_FILENAME: [400, 'No file/role name provided.'],
  INVALID_ROLE: [400, 'The role you are attempting to operate on is invalid.'],
  MALFORMED_JSON: [400, 'JSON sent by the client could not be parsed by the server'],
  VERSION: [400, 'A newer version of metadata is already available.'],
  METADATA_NOT_FOUND: [404, 'You have requested metadata that does not exist.'],
  INVALID_UPDATE: [400, 'Update sent by the client is invalid.'],
  MALFORMED_UPLOAD: [400, 'The body of your request is malformed.'],
  TOO_LARGE: [413, 'The update is larger than this server accepts.'],
  INVALID_GUN: [400, 'The server does not support actions on images of this name.'],
  INVALID_PARAMETERS: [400, 'The parameters provided are not valid.'],
  UNAUTHORIZED: [401, 'authentication required'],
  TOOMANYREQUESTS: [429, 'too many requests'],
  REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
  UNAVAILABLE: [503, 'The service cannot answer now. Try again later.'],
  UNKNOWN: [500, 'unknown error'],
} as const satisfies Readonly<Record<string, readonly [status: number, message: string]>>;

export type ProblemCode = keyof typeof PROBLEMS;
export const PROBLEM_CODES = Object.keys(PROBLEMS) as readonly ProblemCode[];

/** A request that gets an error body; nothing was changed. */
export class TrustProblem extends Error {
  override readonly name = 'TrustProblem';
  readonly code: ProblemCode;
  /** Plain JSON data for the body's `detail`. */
  readonly detail: unknown;
  /** Beside the content's type. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail?: unknown,
    options: ErrorOptions & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(PROBLEMS[code][1], options);
    this.code = code;
    this.detail = detail;
    this.headers = options.headers ?? {};
  }
}

/** The answer to a request that failed, and why: for who counts and records refusals on its way out. */
export class ProblemResponse extends Response {
  readonly problem: TrustProblem;

  constructor(problem: TrustProblem, body: string | null, init: ResponseInit) {
    super(body, init);
    this.problem = problem;
  }

  /** Without a body, as HEAD is answered. */
  get bare(): ProblemResponse {
    return new ProblemResponse(this.problem, null, { status: this.status, headers: this.headers });
  }
}

/** The response to a failed request. What nobody foresaw is logged, and the client learns nothing of it. */
export function problemResponse(error: unknown, log: Log): ProblemResponse {
  const problem = problemOf(error);
  if (problem.code === 'UNKNOWN' || problem.code === 'UNAVAILABLE') log.error({ error }, 'request failed');
  else if (problem.code !== 'METADATA_NOT_FOUND')
    log.info({ code: problem.code, detail: problem.detail, ...reasonOf(error) }, 'request refused');
  return render(problem);
}

function problemOf(error: unknown): TrustProblem {
  if (error instanceof TrustProblem) return error;
  if (error instanceof UpdateRefusal) return new TrustProblem('INVALID_UPDATE', error.detail(), { cause: error });
  if (error instanceof ConflictError) return new TrustProblem('VERSION', {});
  if (error instanceof AuthenticationError) return unauthorized(error);
  if (error instanceof TooManyAttemptsError) {
    const headers = { 'Retry-After': String(error.retryAfterSeconds) };
    return new TrustProblem('TOOMANYREQUESTS', undefined, { headers });
  }
  if (error instanceof DatabaseUnavailableError)
    return new TrustProblem('UNAVAILABLE', undefined, { cause: error, headers: { 'Retry-After': '1' } });
  if (error instanceof StatementTooLargeError) return new TrustProblem('TOO_LARGE', error.message, { cause: error });
  if (error instanceof AuthenticationUnavailableError)
    return new TrustProblem('UNAVAILABLE', undefined, { cause: error });
  if (error instanceof RemoteSignerError) return new TrustProblem(signerProblem(error), {}, { cause: error });
  if (error instanceof UnstorableNameError || (error instanceof ServiceKeyError && error.code === 'unstorable-name'))
    return new TrustProblem('INVALID_GUN', error.message, { cause: error });
  return new TrustProblem('UNKNOWN', undefined, { cause: error });
}

/** With what was needed, as Notary lists it, one entry for each action. */
function unauthorized(error: AuthenticationError): TrustProblem {
  const { type: Type, name: Name, actions } = resourceOf(error.wanted);
  const detail = actions.map((Action) => ({ Type, Class: '', Name, Action }));
  // the challenge names the host that was asked, so it is nobody else's answer
  const headers = { 'WWW-Authenticate': error.challenge, 'Cache-Control': 'no-store' };
  return new TrustProblem('UNAUTHORIZED', detail, { cause: error, headers });
}

/** Why credentials did not do is for the log alone. */
function reasonOf(error: unknown): object {
  return error instanceof AuthenticationError ? { reason: error.message } : {};
}

/** A signing service that refuses what this server made is nothing that a client can mend: one of the two is set up wrongly. */
function signerProblem({ code }: RemoteSignerError): ProblemCode {
  switch (code) {
    case 'unavailable':
      return 'UNAVAILABLE';
    case 'stale-version':
      return 'VERSION';
    case 'refused':
    case 'invalid':
    case 'unknown':
    case 'bad-answer':
    case 'bad-tls':
      return 'UNKNOWN';
    default:
      return code satisfies never;
  }
}

/** Notary's clients read the first KiB of an error and lose its detail when there is more (reference 2.8). */
const MAX_BODY = 1024;

function render(problem: TrustProblem): ProblemResponse {
  const { code, detail, headers } = problem;
  const [status, message] = PROBLEMS[code];
  const body = (about: unknown) => `${JSON.stringify({ errors: [{ code, message, detail: about }] })}\n`;
  const text = body(detail);
  return new ProblemResponse(problem, Buffer.byteLength(text) < MAX_BODY ? text : body(undefined), {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
  });
}
