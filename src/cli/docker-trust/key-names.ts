// SPDX-License-Identifier: Apache-2.0
import { TrustCommandError } from './errors.ts';

const NAME = /^[a-z0-9][a-z0-9_-]*$/;

/** The name of a key or signer becomes that of a role. @throws TrustCommandError */
export function checkName(what: 'key' | 'signer', name: string): void {
  if (NAME.test(name)) return;
  throw new TrustCommandError(
    `${what} name "${name}" must start with lowercase alphanumeric characters and can include "-" or "_" after the first character`,
  );
}
