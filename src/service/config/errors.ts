// SPDX-License-Identifier: Apache-2.0

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** Of the key concerned, with dots: `server.tls.cert`; empty for the whole file. */
  readonly key: string;
  /** What is wrong, without the value: a value may be a secret. */
  readonly message: string;
  /** Where in the file, counted from 1; absent when the value came from the environment. */
  readonly line?: number;
  readonly column?: number;
  /** The environment variable that the value came from. */
  readonly variable?: string;
}

/** A configuration that a service does not start with: everything that is wrong with it, in one error. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(problems.map((problem) => spelled(file, problem)).join('; '), options);
    this.file = file;
    this.problems = problems;
  }
}

/** `server.yaml:3:5: server.listen: no HOST:PORT`, as compilers write, so that editors find the place. */
function spelled(file: string, { key, message, line, column, variable }: ConfigProblem): string {
  const place = variable ?? (line === undefined ? file : `${file}:${line}:${column ?? 1}`);
  return key === '' ? `${place}: ${message}` : `${place}: ${key}: ${message}`;
}
