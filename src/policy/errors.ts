// SPDX-License-Identifier: Apache-2.0

/** One thing that is wrong with a policy, and where in the file it stands. */
export interface PolicyFinding {
  /** `rules[2].signers`, or empty for the file as a whole. */
  readonly place: string;
  readonly message: string;
}

/** A policy that cannot be used: nothing is decided by half of a policy. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  /** The file, or what the text came from. */
  readonly path: string;
  readonly findings: readonly PolicyFinding[];

  constructor(path: string, findings: readonly PolicyFinding[], options?: ErrorOptions) {
    const told = findings.map(({ place, message }) => (place === '' ? message : `${place}: ${message}`));
    super(`${path}: ${told.join('; ')}`, options);
    this.path = path;
    this.findings = findings;
  }
}
