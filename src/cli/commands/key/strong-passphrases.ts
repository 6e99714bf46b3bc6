// SPDX-License-Identifier: Apache-2.0
import { KeyStoreError, type Passphrases, passphraseProblem } from '../../../signing/index.ts';

/** The same sources, with Docker's rule for new passphrases on all of them, not only on what is typed. */
export function strongPassphrases(passphrases: Passphrases): Passphrases {
  return {
    existing: (request) => passphrases.existing(request),
    async created(request) {
      const passphrase = await passphrases.created(request);
      checkStrength(passphrase, `the ${request.alias} key`);
      return passphrase;
    },
  };
}

/** @throws KeyStoreError `no-passphrase` */
export function checkStrength(passphrase: string, what: string): void {
  if (passphraseProblem(passphrase) === undefined) return;
  throw new KeyStoreError(
    'no-passphrase',
    `the new passphrase of ${what} is too short: it needs 8 characters at least`,
    {
      remedy: 'let a password manager make one',
    },
  );
}
