// SPDX-License-Identifier: Apache-2.0

export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

const BASIC = /^basic +([A-Za-z0-9+/]{1,4096}={0,2}) *$/i;

/** User and password of an `Authorization` header (RFC 7617, UTF-8); `undefined` if it holds none. */
export function basicCredentials(request: Request): BasicCredentials | undefined {
  const encoded = BASIC.exec(request.headers.get('authorization') ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
