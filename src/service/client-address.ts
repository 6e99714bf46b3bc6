// SPDX-License-Identifier: Apache-2.0
import { BlockList, isIP } from 'node:net';

/** Whose word about a request is believed beside the request's own: a proxy in front of the service. */
export interface ProxyOptions {
  /** Addresses and networks (`10.0.0.0/8`) of the proxies; from anyone else the headers mean nothing. */
  readonly addresses: readonly string[];
  /** The header in which they hand on a request's ID. */
  readonly requestIdHeader?: string;
}

/** A network that is none. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';

  constructor(text: string) {
    super(`no IP address or network: ${text}`);
  }
}

const ID = /^[\w.:+/=@-]{1,128}$/;

/** Tells who a request comes from. By itself the connection's peer; a header counts only from a trusted proxy. */
export class TrustedProxies {
  readonly #networks: BlockList;
  readonly #idHeader: string | undefined;
  /** Whether there is a proxy at all: without one nobody's word is looked at. */
  readonly any: boolean;

  /** @throws NetworkError */
  constructor(options: ProxyOptions = { addresses: [] }) {
    this.#networks = networksOf(options.addresses);
    this.#idHeader = options.requestIdHeader;
    this.any = options.addresses.length > 0;
  }

  #trusts(text: string | undefined): boolean {
    const address = plainAddress(text ?? '');
    return isIP(address) !== 0 && this.#networks.check(address, family(address));
  }

  /** The last hop of X-Forwarded-For that is no proxy of ours: what stands before it, the client may have made up. */
  addressOf(request: Request, peer: string | undefined): string | undefined {
    if (!this.#trusts(peer)) return peer;
    const hops = (request.headers.get('x-forwarded-for') ?? '').slice(-1024).split(',');
    for (const hop of hops.reverse()) {
      const address = plainAddress(hop.trim());
      if (isIP(address) === 0) return peer;
      if (!this.#trusts(address)) return address;
    }
    return peer;
  }

  /** The ID that a trusted proxy gave the request. */
  requestIdOf(request: Request, peer: string | undefined): string | undefined {
    if (this.#idHeader === undefined || !this.#trusts(peer)) return undefined;
    const id = request.headers.get(this.#idHeader);
    return id !== null && ID.test(id) ? id : undefined;
  }
}

/** An address, or one with the length of its prefix. */
function parseNetwork(text: string): { readonly address: string; readonly bits?: number } | undefined {
  const [, address = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (isIP(address) === 0) return undefined;
  if (length === undefined) return { address };
  const bits = Number(length);
  return bits <= (isIP(address) === 6 ? 128 : 32) ? { address, bits } : undefined;
}

/** Whether a proxy's address, or a network of them, could be this. */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== undefined;
}

function networksOf(texts: readonly string[]): BlockList {
  const networks = new BlockList();
  for (const text of texts) {
    const parsed = parseNetwork(text);
    if (parsed === undefined) throw new NetworkError(text);
    const { address, bits } = parsed;
    if (bits === undefined) networks.addAddress(address, family(address));
    else networks.addSubnet(address, bits, family(address));
  }
  return networks;
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** An IPv4 address as itself, also where a socket for both families spells it `::ffff:192.0.2.1`. */
function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/** Whom a client's budget belongs to: an IPv4 address, or the /64 of an IPv6 one, since a host has all of that. */
export function clientNetwork(text: string): string {
  const address = plainAddress(text);
  if (isIP(address) !== 6) return address;
  const [head = '', tail = ''] = address.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const groups = address.includes('::')
    ? [...front, ...Array(8 - front.length - back.length).fill('0'), ...back]
    : front;
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
