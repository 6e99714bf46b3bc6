// SPDX-License-Identifier: Apache-2.0
import { createHash, type Hash } from 'node:crypto';
import { InvalidReferenceError, RegistryError } from './errors.ts';

declare const digestBrand: unique symbol;

/** `sha256:<64 lower-case hex>` or `sha512:<128>`: the OCI name of exactly one byte string. */
export type Digest = string & { readonly [digestBrand]: true };
export type DigestAlgorithm = 'sha256' | 'sha512';

/** What a byte string must be: its digest and its length, both always checked (S24). */
export interface ExpectedContent {
  readonly digest: Digest;
  readonly size: number;
}

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** @throws InvalidReferenceError */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new InvalidReferenceError('invalid checksum digest format', text);
  return text;
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The first 12 hex digits: how Docker shows a layer. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12);
}

export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

/** Hashes a byte string that arrives in pieces. */
export class Digester {
  readonly #algorithm: DigestAlgorithm;
  readonly #hash: Hash;
  #size = 0;

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  update(chunk: Uint8Array): void {
    this.#size += chunk.length;
    this.#hash.update(chunk);
  }

  get size(): number {
    return this.#size;
  }

  /** May be called once. */
  finish(): ExpectedContent {
    return { digest: `${this.#algorithm}:${this.#hash.digest('hex')}` as Digest, size: this.#size };
  }
}

/**
 * The check of one download: `update` stops at the first byte too many, so an endless body costs no more than the
 * promised one (S23); `finish` refuses a truncated or an altered one (S24).
 */
class ContentCheck {
  readonly #expected: ExpectedContent;
  readonly #digester: Digester;

  constructor(expected: ExpectedContent) {
    this.#expected = expected;
    this.#digester = new Digester(digestAlgorithm(expected.digest));
  }

  /** @throws RegistryError `length-mismatch` */
  update(chunk: Uint8Array): void {
    this.#digester.update(chunk);
    if (this.#digester.size > this.#expected.size) throw this.#lengthError(`more than ${this.#expected.size} bytes`);
  }

  /** @throws RegistryError `length-mismatch` or `digest-mismatch` */
  finish(): void {
    const actual = this.#digester.finish();
    if (actual.size !== this.#expected.size) {
      throw this.#lengthError(`${actual.size} bytes instead of ${this.#expected.size}`);
    }
    if (actual.digest !== this.#expected.digest) {
      const message = `content of ${this.#expected.digest} has digest ${actual.digest}`;
      throw new RegistryError('digest-mismatch', message, { expected: this.#expected.digest, actual: actual.digest });
    }
  }

  #lengthError(what: string): RegistryError {
    const { digest, size } = this.#expected;
    const details = { expected: size, actual: this.#digester.size };
    return new RegistryError('length-mismatch', `content of ${digest} has ${what}`, details);
  }
}

/** Checks bytes that are all there. @throws RegistryError `length-mismatch` or `digest-mismatch` */
export function checkContent(bytes: Uint8Array, expected: ExpectedContent): void {
  const check = new ContentCheck(expected);
  check.update(bytes);
  check.finish();
}

/**
 * Passes chunks on and throws at the end unless digest and length are right, so nothing that came through may be used
 * before the iteration has ended without an error.
 */
export async function* checkedContent(
  content: AsyncIterable<Uint8Array>,
  expected: ExpectedContent,
): AsyncGenerator<Uint8Array, void, undefined> {
  const check = new ContentCheck(expected);
  for await (const chunk of content) {
    check.update(chunk);
    yield chunk;
  }
  check.finish();
}
