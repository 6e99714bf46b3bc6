// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Authenticator,
  type HtpasswdAuthenticatorOptions,
  htpasswdAuthenticator,
  tokenAuthenticator,
} from '../../../src/server/auth/index.ts';
import { createTrustServer, MemoryStorage } from '../../../src/server/index.ts';
import { type Listener, listen, SILENT_LOG } from '../../../src/service/index.ts';
import { MemoryServiceKeys } from '../../../src/signing/service-keys/index.ts';
import { makeCertificates } from './certificates.ts';
import type { TrustServer } from './notary-server.ts';
import type { Stage } from './stage.ts';
import type { TokenServer } from './token-server.ts';

const clock = () => new Date();

/** A trust server in this process that asks who is there, and what it stored. */
export interface GuardedServer {
  readonly server: TrustServer;
  readonly storage: MemoryStorage;
  readonly listener: Listener;
}

export async function startGuarded(stage: Stage, auth: Authenticator): Promise<GuardedServer> {
  const directory = stage.makeDirectory('guarded');
  await makeCertificates(directory, ['server']);
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const storage = new MemoryStorage();
  const { fetch } = createTrustServer({ storage, keys: new MemoryServiceKeys(), clock, log: SILENT_LOG, auth });
  const tls = { cert: read('server.crt'), key: read('server.key') };
  const listener = listen({ fetch, tls, hostname: '127.0.0.1', port: 0 });
  const host = `localhost:${listener.port}`;
  return { server: { url: `https://${host}`, host, ca: join(directory, 'ca.crt') }, storage, listener };
}

/** Believes the tokens of `tokens`. */
export function believing(stage: Stage, tokens: TokenServer): Promise<Authenticator> {
  const { service, issuer } = tokens.issuer.names;
  const certificates = tokens.issuer.writeBundle(stage.makeDirectory('tokens'));
  return tokenAuthenticator({ realm: tokens.realm, service, issuer, certificates, clock, log: SILENT_LOG });
}

/** Knows these users, as `htpasswd -B` writes them. */
export function knowing(
  stage: Stage,
  users: Readonly<Record<string, string>>,
  options: Partial<HtpasswdAuthenticatorOptions>,
): Promise<Authenticator> {
  const file = join(stage.makeDirectory('htpasswd'), 'htpasswd');
  const lines = Object.entries(users).map(([user, password]) => {
    const hash = Bun.password.hashSync(password, { algorithm: 'bcrypt', cost: 5 });
    return `${user}:${hash.replace('$2b$', '$2y$')}\n`;
  });
  writeFileSync(file, lines.join(''));
  return htpasswdAuthenticator({ file, clock, log: SILENT_LOG, ...options });
}
