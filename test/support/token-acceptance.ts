// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Access,
  AuthenticationUnavailableError,
  type TokenAuthenticatorOptions,
  tokenAuthenticator,
} from '../../src/server/auth/index.ts';
import { SILENT_LOG } from '../../src/service/index.ts';
import type { Gun } from '../../src/tuf/index.ts';
import { ISSUED_AT, type TokenIssuer } from './token-issuer.ts';

/** Whether a server with keys of an issuer lets in the tokens that it is shown. */
export function tokenAcceptance(issuer: TokenIssuer, gun: Gun, scratch: () => string) {
  const wanted: Access = { kind: 'repository', gun, actions: ['pull'] };
  return {
    /** The issuer's certificates are the keys, unless options name others. */
    async open(options: Partial<TokenAuthenticatorOptions> = {}) {
      const fixed = { ...issuer.names, clock: () => ISSUED_AT, log: SILENT_LOG };
      const keys = options.jwks ?? options.jwksUrl ?? options.certificates;
      const bundle = keys === undefined ? { certificates: issuer.writeBundle(scratch()) } : {};
      const auth = await tokenAuthenticator({ ...fixed, ...bundle, ...options });
      return (token: string): Promise<boolean> => {
        const headers = { authorization: `Bearer ${token}` };
        return auth.authenticate(new Request('https://trust.example.com/v2/', { headers }), wanted).then(
          () => true,
          (error) => {
            if (error instanceof AuthenticationUnavailableError) throw error;
            return false;
          },
        );
      };
    },

    /** The path of a file with these keys. */
    keySet(...keys: readonly object[]): string {
      const path = join(scratch(), 'keys.json');
      writeFileSync(path, JSON.stringify({ keys }));
      return path;
    },

    jwk(key: KeyObject, more: object = {}): object {
      return { ...createPublicKey(key).export({ format: 'jwk' }), ...more };
    },
  };
}
