// SPDX-License-Identifier: Apache-2.0
/**
 * Who we are to a registry: Docker's own configuration and credential helpers, challenges, and the tokens that answer them.
 * It never sends a credential to anybody but the host that it is for (S33).
 *
 *     const login = await dockerCredentials('registry.example.com', { env });
 *     const send = authenticatedFetch({ origin, transport, scopes: [repositoryScope('acme/app', 'pull')], credentials });
 */
export { type AuthOptions, Authorizer, authenticatedFetch, repositoryScope } from './auth.ts';
export type { Credentials } from './auth-token.ts';
export { dockerCredentials } from './credentials.ts';
export { dockerConfigDirectory, type Environment, loadDockerConfig } from './docker-config.ts';
