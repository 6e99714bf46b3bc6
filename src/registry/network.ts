// SPDX-License-Identifier: Apache-2.0
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Addresses of a host name; the seam at which tests put names into networks. */
export type Resolver = (hostname: string) => Promise<readonly string[]>;

export const systemResolver: Resolver = async (hostname) =>
  (await lookup(hostname, { all: true })).map(({ address }) => address);

/** `localhost` and the loopback addresses: where Docker too takes a registry without TLS. */
export function isLoopbackHost(hostname: string): boolean {
  const host = bareHost(hostname);
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return (
    (isIP(host) === 4 && host.startsWith('127.')) || host === '::1' || mappedIpv4(host)?.startsWith('127.') === true
  );
}

/**
 * Whether a host stands in a network that is not the internet's: loopback, private, link-local (a cloud's metadata
 * service), shared or reserved. A name counts by every address it has; one that does not resolve reaches nothing.
 */
export async function isPrivateHost(hostname: string, resolve: Resolver): Promise<boolean> {
  const host = bareHost(hostname);
  if (isLoopbackHost(host)) return true;
  if (isIP(host) !== 0) return isPrivateAddress(host);
  try {
    return (await resolve(host)).some(isPrivateAddress);
  } catch {
    return false;
  }
}

function isPrivateAddress(address: string): boolean {
  const host = bareHost(address);
  const embedded = ipv4InIpv6(host);
  if (isIP(host) === 4 || embedded !== undefined) return isPrivateIpv4(embedded ?? host);
  if (isIP(host) !== 6) return false;
  const first = Number.parseInt(host.split(':', 1)[0] || '0', 16);
  const isUniqueLocal = (first & 0xfe00) === 0xfc00;
  const isLinkOrSiteLocal = (first & 0xff80) === 0xfe80;
  const isMulticast = (first & 0xff00) === 0xff00;
  // ::/16 holds loopback, the unspecified address and the old IPv4 mappings
  return first === 0 || isUniqueLocal || isLinkOrSiteLocal || isMulticast;
}

function isPrivateIpv4(address: string): boolean {
  const [a = 0, b = 0, c = 0] = address.split('.').map(Number);
  return (
    // Azure's, which answers inside of it alone
    address === '168.63.129.16' ||
    (a === 192 && b === 0 && c === 0) ||
    a === 0 ||
    a === 10 ||
    a === 127 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 198 && (b === 18 || b === 19)) ||
    a >= 224
  );
}

/** The IPv4 address that an IPv6 address stands for on this machine itself: `::ffff:1.2.3.4`, also spelled `::ffff:102:304`. */
function mappedIpv4(host: string): string | undefined {
  return ipv4After(/^::ffff:/, host);
}

/** The same, or behind a gateway: NAT64's `64:ff9b::102:304`, 6to4's `2002:102:304::`. */
function ipv4InIpv6(host: string): string | undefined {
  return mappedIpv4(host) ?? ipv4After(/^64:ff9b::/, host) ?? ipv4After(/^2002:/, host);
}

function ipv4After(prefix: RegExp, host: string): string | undefined {
  if (!prefix.test(host)) return undefined;
  const rest = host.replace(prefix, '');
  if (isIP(rest) === 4) return rest;
  const [, high, low] = /^([0-9a-f]{1,4}):([0-9a-f]{1,4})(?:$|:)/.exec(rest) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const [x, y] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [x >> 8, x & 255, y >> 8, y & 255].join('.');
}

function bareHost(hostname: string): string {
  const host = hostname.toLowerCase().replace(/\.$/, '');
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
