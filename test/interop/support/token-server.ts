// SPDX-License-Identifier: Apache-2.0
import { ecKey, TokenIssuer, x5cOf } from '../../support/token-issuer.ts';

/** What a person may do, by action; every collection alike. */
export interface TokenUser {
  readonly password: string;
  readonly actions: readonly string[];
}

/** How the token server misbehaves. */
export type Misbehaviour = 'expired' | 'other issuer' | 'other service' | 'other key';

/** A token server on loopback, as distribution's specification describes it; whoever shows nothing may pull, if anything. */
export class TokenServer {
  readonly issuer = new TokenIssuer(() => new Date(), {
    from: new Date(Date.now() - 3_600_000),
    to: new Date(Date.now() + 86_400_000),
  });
  readonly realm: string;
  readonly #users: Readonly<Record<string, TokenUser>>;
  readonly #anonymous: readonly string[];
  readonly #server: ReturnType<typeof Bun.serve>;
  misbehaves: Misbehaviour | undefined;

  constructor(users: Readonly<Record<string, TokenUser>>, anonymous: readonly string[]) {
    this.#users = users;
    this.#anonymous = anonymous;
    this.#server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => this.#answer(request) });
    this.realm = `http://localhost:${this.#server.port}/token`;
  }

  async close(): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    const authorization = request.headers.get('authorization');
    const text = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();
    const [name = '', password] = text.split(':');
    const user = this.#users[name];
    if (authorization !== null && (user === undefined || user.password !== password)) {
      return Response.json({ details: 'incorrect username or password' }, { status: 401 });
    }
    const allowed = user?.actions ?? this.#anonymous;
    const access = new URL(request.url).searchParams.getAll('scope').map((scope) => {
      const [, type, of, actions = ''] = /^(\w+):(.*):([^:]*)$/.exec(scope) ?? [];
      return { type, name: of, actions: actions.split(',').filter((action) => allowed.includes(action)) };
    });
    return Response.json({ token: await this.#token(name, access), expires_in: 300 });
  }

  #token(sub: string, access: unknown): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    switch (this.misbehaves) {
      case 'expired':
        return this.issuer.token({ sub, access, exp: now - 120, nbf: now - 300 });
      case 'other issuer':
        return this.issuer.token({ sub, access, iss: 'auth.example.org' });
      case 'other service':
        return this.issuer.token({ sub, access, aud: 'other.example.com' });
      case 'other key':
        return this.issuer.token({ sub, access }, { x5c: x5cOf(this.issuer.certificate) }, ecKey());
      default:
        return this.issuer.token({ sub, access });
    }
  }
}
