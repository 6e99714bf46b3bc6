// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../../service/index.ts';
import { type FullAuthenticator, htpasswdAuthenticator, openToAll, tokenAuthenticator } from '../auth/index.ts';
import type { AuthSettings } from '../config/index.ts';

/** @throws AuthenticationSetupError */
export async function openAuth(settings: AuthSettings, clock: () => Date, log: Log): Promise<FullAuthenticator> {
  switch (settings.type) {
    case 'none':
      return openToAll;
    case 'token': {
      const { realm, service, issuer, autoRedirect: autoredirect, skew: skewSeconds, publicRead } = settings;
      const keys = given(settings, ['certificates', 'jwks', 'jwksUrl']);
      return tokenAuthenticator({ realm, service, issuer, autoredirect, skewSeconds, publicRead, ...keys, clock, log });
    }
    case 'htpasswd': {
      const { file, publicRead, groups, rules } = settings;
      const rest = given(settings, ['url', 'service', 'tokenKey', 'defaultAccess']);
      return htpasswdAuthenticator({ file, publicRead, groups, rules, ...rest, clock, log });
    }
    default:
      return settings satisfies never;
  }
}

/** Those of the properties that have a value. */
function given<T extends object, K extends keyof T>(
  from: T,
  names: readonly K[],
): { [Name in K]?: Exclude<T[Name], undefined> } {
  const entries = names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]] as const);
  return Object.fromEntries(entries) as { [Name in K]?: Exclude<T[Name], undefined> };
}
