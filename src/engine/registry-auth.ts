// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '../encoding/index.ts';
import type { Credentials } from '../registry/index.ts';

/** `X-Registry-Auth`: the login that the engine uses for one registry, as base64url of JSON (RFC 4648, 5, padded). */
export function registryAuthHeader(credentials: Credentials | undefined, domain: string): string {
  const serveraddress = domain === 'docker.io' ? 'https://index.docker.io/v1/' : domain;
  const json = JSON.stringify({ ...loginOf(credentials), ...(credentials === undefined ? {} : { serveraddress }) });
  return Buffer.from(encodeUtf8(json)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

function loginOf(credentials: Credentials | undefined): object {
  switch (credentials?.kind) {
    case undefined:
      return {};
    case 'basic':
      return { username: credentials.username, password: credentials.password };
    case 'identity-token':
      return { identitytoken: credentials.token };
    case 'registry-token':
      return { registrytoken: credentials.token };
    default:
      return credentials satisfies never;
  }
}
