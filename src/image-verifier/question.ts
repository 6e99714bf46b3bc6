// SPDX-License-Identifier: Apache-2.0

/** What containerd asks a verifier: whether an image may be used under the name by which it was pulled. */
export interface Question {
  /** As the pull named it: `docker.io/library/alpine:3`. */
  readonly name: string;
  /** What the name was resolved to. */
  readonly digest: string;
}

/** What a verifier answers: a line of reason goes to containerd's log and to whoever pulled. */
export interface Answer {
  readonly allowed: boolean;
  readonly reason: string;
}

/** A call that is not one of containerd. */
export class QuestionError extends Error {
  override readonly name = 'QuestionError';
}

const FLAGS = new Set(['name', 'digest', 'stdin-media-type']);
const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** Longer than any reference. */
const MAX_NAME = 1024;

/**
 * Reads the command line of the contract, `-name REF -digest DIGEST -stdin-media-type TYPE`, with one hyphen or two, as Go's
 * programs have it. A flag that is not known may be one that a later containerd adds: it must not be passed over.
 * @throws QuestionError
 */
export function parseQuestion(argv: readonly string[]): Question {
  const given = new Map<string, string>();
  for (let at = 0; at < argv.length; at++) {
    const [, flag = '', inline] = /^--?([a-z-]+)(?:=(.*))?$/s.exec(argv[at] ?? '') ?? [];
    if (!FLAGS.has(flag)) throw new QuestionError(`unknown argument ${argv[at]}`);
    const value = inline ?? argv[++at];
    if (value === undefined) throw new QuestionError(`-${flag} needs a value`);
    if (given.has(flag)) throw new QuestionError(`-${flag} is there twice`);
    given.set(flag, value);
  }
  return checkQuestion({ name: given.get('name'), digest: given.get('digest') });
}

/** @throws QuestionError */
export function checkQuestion({ name, digest }: { readonly name?: unknown; readonly digest?: unknown }): Question {
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) throw new QuestionError('no image name');
  if (typeof digest !== 'string' || !DIGEST.test(digest)) throw new QuestionError('no sha256 digest of the image');
  return { name, digest };
}
