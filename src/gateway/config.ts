// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { canonicalDomain } from '../policy/index.ts';
import { address, size } from '../service/config/index.ts';
import type { Address } from '../service/index.ts';
import type { NameMapping } from './names.ts';
import type { Upstream } from './upstreams.ts';

/** A gateway's configuration that cannot be used. */
export class GatewayConfigError extends Error {
  override readonly name = 'GatewayConfigError';
}

export interface GatewayConfig {
  readonly listen: Address;
  /** Files; undefined for a certificate of the gateway's own authority in `data`. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Names that the gateway's own certificate holds beside those of `hosts` and of the address. */
  readonly names: readonly string[];
  readonly data: string;
  readonly policy: string;
  readonly mapping: NameMapping;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly cacheBytes: number;
  readonly metrics: Address | undefined;
}

const blobs = z.enum(['proxy', 'cache', 'redirect']);
const upstream = z.strictObject({ host: z.string().optional(), ca: z.string().optional(), blobs: blobs.optional() });
const form = z.strictObject({
  listen: address().optional(),
  tls: z.strictObject({ cert: z.string(), key: z.string() }).optional(),
  names: z.array(z.string()).optional(),
  data: z.string(),
  policy: z.string(),
  upstreams: z.record(z.string(), upstream.nullable()),
  hosts: z.record(z.string(), z.string()).optional(),
  default: z.string().optional(),
  blobs: blobs.optional(),
  cache: size().optional(),
  metrics: address().optional(),
});

const DEFAULT_LISTEN: Address = { hostname: '127.0.0.1', port: 5443 };
const DEFAULT_CACHE_BYTES = 20 * 1024 ** 3;
const MAX_ALIASES = 100;
/** Whoever may write it chooses the policy (S7). */
const WRITABLE_BY_OTHERS = 0o022;

/** Reads a gateway's configuration; paths are relative to its file. @throws GatewayConfigError */
export function loadGatewayConfig(path: string): GatewayConfig {
  const text = readText(path);
  if ((statSync(path).mode & WRITABLE_BY_OTHERS) !== 0)
    throw new GatewayConfigError(`${path}: can be written by others: chmod go-w ${path}`);
  return parseGatewayConfig(text, path);
}

/** @throws GatewayConfigError */
export function parseGatewayConfig(text: string, path: string): GatewayConfig {
  const read = form.safeParse(yamlOf(text, path));
  if (!read.success) {
    const told = read.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`);
    throw new GatewayConfigError(`${path}: ${told.join('; ')}`);
  }
  const { data } = read;
  const place = (name: string) => (isAbsolute(name) ? name : resolve(dirname(resolve(path)), name));
  const upstreams = new Map(
    Object.entries(data.upstreams).map(([domain, one]) => [
      canonicalDomain(domain),
      upstreamOf(one ?? {}, data.blobs, place),
    ]),
  );
  if (upstreams.size === 0) throw new GatewayConfigError(`${path}: upstreams: names no registry`);
  const known = (domain: string, where: string) => {
    if (upstreams.has(canonicalDomain(domain))) return canonicalDomain(domain);
    throw new GatewayConfigError(`${path}: ${where}: ${domain} is none of the upstreams`);
  };
  const hosts = new Map(
    Object.entries(data.hosts ?? {}).map(([host, domain]) => [host.toLowerCase(), known(domain, `hosts.${host}`)]),
  );
  return {
    listen: data.listen ?? DEFAULT_LISTEN,
    tls: data.tls === undefined ? undefined : { cert: place(data.tls.cert), key: place(data.tls.key) },
    names: [...(data.names ?? []), ...[...hosts.keys()].map((host) => host.replace(/:[0-9]+$/, ''))],
    data: place(data.data),
    policy: place(data.policy),
    mapping: {
      upstreams: new Set(upstreams.keys()),
      hosts,
      fallback: data.default === undefined ? undefined : known(data.default, 'default'),
    },
    upstreams,
    cacheBytes: data.cache ?? DEFAULT_CACHE_BYTES,
    metrics: data.metrics,
  };
}

function upstreamOf(
  { host, ca, blobs: own }: z.infer<typeof upstream>,
  general: Upstream['blobs'] | undefined,
  place: (name: string) => string,
): Upstream {
  return {
    ...(host === undefined ? {} : { host }),
    ...(ca === undefined ? {} : { ca: readAuthority(place(ca)) }),
    blobs: own ?? general ?? 'proxy',
  };
}

function readAuthority(path: string): string {
  const text = readText(path);
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new GatewayConfigError(`${path} holds no PEM certificate`);
  return text;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new GatewayConfigError(`${path}: cannot be read`, { cause });
  }
}

function yamlOf(text: string, path: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true, strict: true, logLevel: 'error' });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw new GatewayConfigError(`${path}: ${problem.message.split('\n')[0]}`);
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    // an alias of what is not there, or so many that a small file would become a large one (S23)
    throw new GatewayConfigError(`${path}: ${cause instanceof Error ? cause.message : 'not YAML'}`, { cause });
  }
}
