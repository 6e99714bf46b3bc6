// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JWTHeaderParameters, SignJWT } from 'jose';
import { issueAuthority, issueServer } from '../../src/service/certificates.ts';

/** What a token says beside issuer, audience and times. */
export interface TokenClaim {
  readonly sub?: string;
  readonly access?: unknown;
  readonly [name: string]: unknown;
}

const DAY = 86_400_000;
/** Certificates are checked against the clock of the server under test. */
export const ISSUED_AT = new Date('2026-11-23T12:00:00Z');
const VALIDITY = { from: new Date(ISSUED_AT.getTime() - DAY), to: new Date(ISSUED_AT.getTime() + 3650 * DAY) };

export function ecKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** DER of a PEM certificate in base64, as `x5c` has it. */
export function x5cOf(...pems: readonly string[]): string[] {
  return pems.map((pem) => pem.replace(/-----[^-]+-----|\s/g, ''));
}

/** A token server as distribution's specification describes it: an authority, a certificate under it, and tokens. */
export class TokenIssuer {
  readonly names = {
    realm: 'https://auth.example.com/token',
    service: 'trust.example.com',
    issuer: 'auth.example.com',
  };
  readonly authorityKey = ecKey();
  readonly key = ecKey();
  readonly authority: string;
  readonly certificate: string;
  readonly now: () => Date;

  constructor(now: () => Date = () => ISSUED_AT, validity = VALIDITY) {
    this.now = now;
    const issuer = { commonName: 'token authority', key: this.authorityKey };
    this.authority = issueAuthority(issuer, validity);
    this.certificate = issueServer(issuer, ['auth.example.com'], createPublicKey(this.key), validity);
  }

  /** The authority's certificate as the bundle of a server. */
  writeBundle(directory: string, ...pems: readonly string[]): string {
    const path = join(directory, 'bundle.crt');
    writeFileSync(path, (pems.length === 0 ? [this.authority] : pems).join('\n'));
    return path;
  }

  /** A certificate of this authority for some other key and time. */
  certify(key: KeyObject, from = VALIDITY.from, to = VALIDITY.to): string {
    const issuer = { commonName: 'token authority', key: this.authorityKey };
    return issueServer(issuer, ['auth.example.com'], createPublicKey(key), { from, to });
  }

  /** A good token, but for what is given; a claim that is `undefined` is left out. */
  async token(
    claims: TokenClaim = {},
    header: Partial<JWTHeaderParameters> = { x5c: x5cOf(this.certificate) },
    key: KeyObject | Uint8Array = this.key,
  ): Promise<string> {
    const now = Math.floor(this.now().getTime() / 1000);
    const { issuer: iss, service: aud } = this.names;
    const all = { iss, aud, sub: 'ann', exp: now + 300, nbf: now - 10, iat: now, jti: 'one', access: [], ...claims };
    const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return new SignJWT(kept).setProtectedHeader({ typ: 'JWT', alg: 'ES256', ...header }).sign(key);
  }

  /** The `access` of one collection. */
  static access(gun: string, ...actions: readonly string[]) {
    return [{ type: 'repository', name: gun, actions }];
  }
}
