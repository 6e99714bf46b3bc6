// SPDX-License-Identifier: Apache-2.0
import { RegistryError } from '../errors.ts';
import { isLoopbackHost, isPrivateHost, type Resolver } from '../network.ts';

/** Token services that belong to a registry under another name. */
const KNOWN_REALMS: ReadonlyMap<string, readonly string[]> = new Map([
  ['docker.io', ['auth.docker.io']],
  ['registry.hub.docker.com', ['auth.docker.io']],
]);

/** Domains under which strangers are neighbours, so that a common parent proves nothing. */
const SHARED_DOMAINS = [
  // registries and clouds
  'azurecr.io azurecr.cn azurecr.us amazonaws.com amazonaws.com.cn on.aws awsapprunner.com',
  'elasticbeanstalk.com cloudfront.net pkg.dev gcr.io run.app appspot.com cloudfunctions.net web.app',
  'firebaseapp.com azure.com azurewebsites.net azurefd.net azurecontainerapps.io cloudapp.net',
  'trafficmanager.net windows.net aliyuncs.com myhuaweicloud.com myqcloud.com tencentcr.com',
  'oraclecloud.com ondigitalocean.app digitaloceanspaces.com scw.cloud ovh.net jfrog.io cloudsmith.io',
  // hosts of pages and programs
  'github.io github.dev githubusercontent.com gitlab.io herokuapp.com workers.dev pages.dev vercel.app',
  'netlify.app fly.dev onrender.com deno.dev railway.app replit.dev hf.space glitch.me',
  // tunnels and names for any address
  'ngrok.io ngrok.app ngrok.dev ngrok-free.app trycloudflare.com loca.lt ts.net duckdns.org dyndns.org',
  'no-ip.org ddns.net hopto.org nip.io sslip.io eu.org synology.me',
  // second levels of countries that have more than three letters
  'gouv.fr asso.fr govt.nz health.nz school.nz police.uk info.pl firm.in blog.br',
].flatMap((names) => names.split(' '));

export interface RealmRule {
  /** Origin that sent the challenge. */
  readonly origin: URL;
  /** Host that the credentials were given for; with a port or without. */
  readonly credentialHost: string;
  readonly hasCredentials: boolean;
  /** Host names that the user vouched for. */
  readonly trustedRealms: readonly string[];
  readonly resolve: Resolver;
}

/**
 * Decides whether a token may be asked for at `realm`, a URL that an unauthenticated answer named (S33). Credentials go
 * to the host that they are for, to its own site, to a token service known to belong to it, or nowhere; in clear only
 * over loopback. Without credentials the request may leave the site, yet not into a private network (S34).
 * @throws RegistryError `malformed`, `insecure` or `realm-refused`
 */
export async function allowedRealm(realm: string, rule: RealmRule): Promise<URL> {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  const host = rule.origin.host;
  if (url === undefined || url.username !== '' || url.password !== '') {
    throw new RegistryError('malformed', `registry ${host}: authentication realm is no plain URL`, { host });
  }
  requireProtected(url, rule.origin);
  if (belongsTo(url.hostname, rule.credentialHost, rule.trustedRealms)) return url;
  if (rule.hasCredentials) {
    const message = `registry ${host} asks to send the credentials of ${rule.credentialHost} to ${url.host}: refused`;
    throw new RegistryError('realm-refused', message, { host, expected: rule.credentialHost, actual: url.host });
  }
  if ((await isPrivateHost(url.hostname, rule.resolve)) && !(await isPrivateHost(rule.origin.hostname, rule.resolve))) {
    const message = `registry ${host} names a token service in a private network (${url.host}): refused`;
    throw new RegistryError('realm-refused', message, { host, actual: url.host });
  }
  return url;
}

/**
 * Whether credentials given for `credentialHost` may be sent to `hostname`.
 *
 * Same site is judged without a list of public suffixes, so cautiously: the host itself, a parent domain of it, or a
 * sibling under one registrable domain, where that is taken to be the last two labels (three under `co.uk` and the like)
 * and no domain known to be let to strangers.
 */
export function belongsTo(hostname: string, credentialHost: string, trusted: readonly string[] = []): boolean {
  const target = hostname.toLowerCase();
  const owner = hostOnly(credentialHost);
  if (target === owner || trusted.some((host) => hostOnly(host) === target)) return true;
  if (isLoopbackHost(target) && isLoopbackHost(owner)) return true;
  if (KNOWN_REALMS.get(owner)?.includes(target) === true) return true;
  const site = siteOf(owner);
  return site !== undefined && (target === site || target.endsWith(`.${site}`));
}

function requireProtected(url: URL, origin: URL): void {
  if (url.protocol === 'https:') return;
  const bothLocal = isLoopbackHost(url.hostname) && isLoopbackHost(origin.hostname);
  if (url.protocol === 'http:' && bothLocal) return;
  const message = `registry ${origin.host}: token service ${url.host} is not reached over https`;
  throw new RegistryError('insecure', message, { host: origin.host, actual: url.host });
}

function siteOf(host: string): string | undefined {
  const labels = host.split('.');
  if (/^[0-9.]+$/.test(host) || host.includes(':') || labels.some((label) => label === '')) return undefined;
  const [second, top] = labels.slice(-2);
  const hasCountrySuffix = top?.length === 2 && second !== undefined && second.length <= 3;
  const site = labels.slice(hasCountrySuffix ? -3 : -2).join('.');
  const isWhole = labels.length >= (hasCountrySuffix ? 3 : 2);
  const isShared = SHARED_DOMAINS.some((domain) => site === domain || site.endsWith(`.${domain}`));
  return isWhole && !isShared ? site : undefined;
}

function hostOnly(host: string): string {
  return host.toLowerCase().replace(/:[0-9]+$/, '');
}
