// SPDX-License-Identifier: Apache-2.0
import { queryOf } from '../../service/index.ts';
import { MetadataError, parseGun } from '../../tuf/index.ts';
import type { Access, Action, ResourceActions } from './access.ts';
import type { GivenToken } from './own-tokens.ts';

/** A client asks for one or two; more than this is no client (S23). */
const MAX_SCOPES = 50;
const SCOPE = /^([a-z]+):(.+):([a-z*]+(?:,[a-z*]+)*)$/;

/** The scopes of a token request's query; what is not spelled like one is passed over, as the specification says. */
export function requestedScopes(url: string): readonly ResourceActions[] {
  const scopes = queryOf(url)
    .getAll('scope')
    .flatMap((text) => text.split(' '));
  return scopes.slice(0, MAX_SCOPES).flatMap((text) => {
    const [, type, name, actions] = SCOPE.exec(text) ?? [];
    if (type === undefined || name === undefined || actions === undefined) return [];
    return [{ type, name, actions: actions.split(',') }];
  });
}

/** Of what was asked for, that part which is allowed. */
export function grantsFor(
  scopes: readonly ResourceActions[],
  isAllowed: (access: Access) => boolean,
): readonly ResourceActions[] {
  return scopes.flatMap(({ type, name, actions }) => {
    const granted = actions.filter((action) => {
      const access = accessOf(type, name, action);
      return access !== undefined && isAllowed(access);
    });
    return granted.length === 0 ? [] : [{ type, name, actions: granted }];
  });
}

function accessOf(type: string, name: string, action: string): Access | undefined {
  if (type === 'registry') return name === 'catalog' && action === '*' ? { kind: 'catalog' } : undefined;
  if (type !== 'repository' || !isAction(action)) return undefined;
  try {
    return { kind: 'repository', gun: parseGun(name), actions: [action] };
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

function isAction(text: string): text is Action {
  return text === 'pull' || text === 'push' || text === '*';
}

/** The answer of a token server, with both names that clients look for. */
export function tokenAnswer({ token, lifetimeSeconds, issuedAt }: GivenToken): Response {
  const answer = { token, access_token: token, expires_in: lifetimeSeconds, issued_at: issuedAt.toISOString() };
  return Response.json(answer, { headers: { 'Cache-Control': 'no-store' } });
}
