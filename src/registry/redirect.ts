// SPDX-License-Identifier: Apache-2.0
import { RegistryError } from './errors.ts';
import { isLoopbackHost, isPrivateHost, type Resolver } from './network.ts';

export const MAX_REDIRECTS = 5;

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/**
 * Where a registry may send a reader of content: to any https address of the internet, as registries do with object
 * stores. From https never to http, and into a private network only if the registry stands in one itself (S34).
 * The content is checked against its digest wherever it comes from.
 * @throws RegistryError `redirect-refused`
 */
export async function allowedRedirect(
  location: string | null,
  from: URL,
  registry: URL,
  resolve: Resolver,
): Promise<URL> {
  const refuse = (why: string): RegistryError =>
    new RegistryError('redirect-refused', `registry ${registry.host}: redirect ${why}: refused`, {
      host: registry.host,
    });
  if (location === null || !URL.canParse(location, from.href)) throw refuse('to no address');
  const target = new URL(location, from.href);
  if (target.username !== '' || target.password !== '') throw refuse(`to ${target.host} with credentials in it`);
  const isLocalHttp =
    target.protocol === 'http:' &&
    from.protocol === 'http:' &&
    isLoopbackHost(target.hostname) &&
    isLoopbackHost(registry.hostname);
  if (target.protocol !== 'https:' && !isLocalHttp) throw refuse(`to ${target.host} without https`);
  if (target.origin === registry.origin) return target;
  if ((await isPrivateHost(target.hostname, resolve)) && !(await isPrivateHost(registry.hostname, resolve))) {
    throw refuse(`into a private network (${target.host})`);
  }
  return target;
}
