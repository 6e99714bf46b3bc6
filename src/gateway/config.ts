// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { canonicalDomain } from '../policy/index.ts';
import {
  address,
  ConfigError,
  filePath,
  type Refuse,
  readConfigDocument,
  readPem,
  SecretFileError,
  size,
  translatedBy,
  understand,
} from '../service/config/index.ts';
import type { Address } from '../service/index.ts';
import type { NameMapping } from './names.ts';
import type { Upstream } from './upstreams.ts';

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
  tls: z.strictObject({ cert: filePath(), key: filePath() }).optional(),
  names: z.array(z.string()).optional(),
  data: filePath(),
  policy: filePath(),
  upstreams: z.record(z.string(), upstream.nullable()),
  hosts: z.record(z.string(), z.string()).optional(),
  default: z.string().optional(),
  blobs: blobs.optional(),
  cache: size().optional(),
  metrics: address().optional(),
});

type Given = z.output<typeof form>;

const DEFAULT_LISTEN: Address = { hostname: '127.0.0.1', port: 5443 };
const DEFAULT_CACHE_BYTES = 20 * 1024 ** 3;
/** Whoever may write it chooses the policy (S7). */
const WRITABLE_BY_OTHERS = 0o022;

/** Reads a gateway's configuration; paths are relative to its file. @throws ConfigError, SecretFileError */
export async function loadGatewayConfig(file: string): Promise<GatewayConfig> {
  const document = await readConfigDocument(file);
  if (((await stat(file)).mode & WRITABLE_BY_OTHERS) !== 0)
    throw new ConfigError(file, [{ key: '', message: `can be written by others: chmod go-w ${file}` }]);
  const schema = translatedBy(form, translated);
  const { upstreams, ...config } = understand(document, { schema, env: {}, prefix: 'HALLMARK_GATEWAY_' });
  const read = [...upstreams].map(async ([domain, { ca, ...rest }]) => {
    const pem = ca === undefined ? {} : { ca: await readAuthority(resolve(dirname(file), ca)) };
    return [domain, { ...rest, ...pem }] as const;
  });
  return { ...config, upstreams: new Map(await Promise.all(read)) };
}

/** TLS says of a file without a certificate only that the registry cannot be reached. */
async function readAuthority(file: string): Promise<string> {
  const pem = await readPem(file);
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new SecretFileError(file, 'no PEM certificate');
  return pem;
}

/** All but the authorities of upstreams, which are files still. */
function translated(given: Given, refuse: Refuse): GatewayConfig {
  const upstreams = new Map(
    Object.entries(given.upstreams).map(([domain, one]) => [
      canonicalDomain(domain),
      upstreamOf(one ?? {}, given.blobs),
    ]),
  );
  if (upstreams.size === 0) refuse(['upstreams'], 'names no registry');
  const known = (domain: string, ...place: readonly string[]) => {
    if (!upstreams.has(canonicalDomain(domain))) refuse(place, `${domain} is none of the upstreams`);
    return canonicalDomain(domain);
  };
  const hosts = new Map(
    Object.entries(given.hosts ?? {}).map(([host, domain]) => [host.toLowerCase(), known(domain, 'hosts', host)]),
  );
  return {
    listen: given.listen ?? DEFAULT_LISTEN,
    tls: given.tls,
    names: [...(given.names ?? []), ...[...hosts.keys()].map((host) => host.replace(/:[0-9]+$/, ''))],
    data: given.data,
    policy: given.policy,
    mapping: {
      upstreams: new Set(upstreams.keys()),
      hosts,
      fallback: given.default === undefined ? undefined : known(given.default, 'default'),
    },
    upstreams,
    cacheBytes: given.cache ?? DEFAULT_CACHE_BYTES,
    metrics: given.metrics,
  };
}

function upstreamOf(
  { host, ca, blobs: own }: z.infer<typeof upstream>,
  general: Upstream['blobs'] | undefined,
): Upstream {
  return {
    ...(host === undefined ? {} : { host }),
    ...(ca === undefined ? {} : { ca }),
    blobs: own ?? general ?? 'proxy',
  };
}
