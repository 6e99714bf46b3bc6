// SPDX-License-Identifier: Apache-2.0

/** What went wrong with a registry, an image in it, or bytes that came from it. */
export type RegistryErrorCode =
  | 'unauthorized' // 401: credentials are missing or wrong
  | 'denied' // 403: credentials are right and not enough
  | 'not-found'
  | 'unavailable' // cannot be reached, or answers 5xx
  | 'rate-limited' // 429
  | 'timeout'
  | 'digest-mismatch'
  | 'length-mismatch'
  | 'malformed' // an answer or a manifest without the form it should have
  | 'unsupported' // well formed, and nothing that Hallmark handles
  | 'too-large'
  | 'redirect-refused'
  | 'realm-refused' // the registry wants its credentials sent to somebody else (S33)
  | 'insecure' // http where https is needed
  | 'rejected'; // any other 4xx

/** One entry of an OCI error body: what the registry itself said, cut to a bounded length. */
export interface RegistryProblem {
  readonly code: string;
  readonly message: string;
}

export interface RegistryErrorDetails {
  readonly status?: number;
  readonly host?: string;
  readonly repository?: string;
  readonly problems?: readonly RegistryProblem[];
  readonly expected?: number | string;
  readonly actual?: number | string;
  readonly cause?: unknown;
}

/** Everything that a registry client throws. The message is one line, names the cause and never holds a secret. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: RegistryErrorCode;
  readonly status: number | undefined;
  readonly host: string | undefined;
  readonly repository: string | undefined;
  readonly problems: readonly RegistryProblem[];
  readonly expected: number | string | undefined;
  readonly actual: number | string | undefined;

  constructor(code: RegistryErrorCode, message: string, details: RegistryErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.host = details.host;
    this.repository = details.repository;
    this.problems = details.problems ?? [];
    this.expected = details.expected;
    this.actual = details.actual;
  }
}

/** Text that is no image reference; the message is the one that Docker prints. */
export class InvalidReferenceError extends Error {
  override readonly name = 'InvalidReferenceError';
  readonly code = 'invalid-reference';
  readonly text: string;

  constructor(message: string, text: string) {
    super(message);
    this.text = text;
  }
}

export type ImageFileErrorCode = 'io' | 'not-found' | 'malformed' | 'unsafe-path' | 'too-large' | 'ambiguous';

/** An OCI layout or docker archive on disk that cannot be read or written. */
export class ImageFileError extends Error {
  override readonly name = 'ImageFileError';
  readonly code: ImageFileErrorCode;
  /** The directory or archive concerned. */
  readonly path: string;

  constructor(code: ImageFileErrorCode, path: string, message: string, cause?: unknown) {
    super(`${path}: ${message}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.path = path;
  }
}

export type CredentialsErrorCode = 'malformed' | 'unreadable' | 'helper-failed';

/** The docker configuration or a credential helper does not yield what it should. Never holds a secret. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
  readonly code: CredentialsErrorCode;

  constructor(code: CredentialsErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
