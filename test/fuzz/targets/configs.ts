// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8 } from '../../../src/encoding/index.ts';
import { loadGatewayConfig } from '../../../src/gateway/index.ts';
import { loadServerConfig } from '../../../src/server/config/index.ts';
import { ConfigError } from '../../../src/service/config/index.ts';
import { loadSignerConfig } from '../../../src/signer/config/index.ts';
import { readVectorJson } from '../../support/vectors.ts';
import { type FuzzTarget, holds } from '../fuzz-target.ts';

const DEPLOY = join(import.meta.dir, '../../../deploy');

type Load = typeof loadServerConfig | typeof loadSignerConfig;
type Service = 'server' | 'signer';

/** Configurations are read from files, so each input becomes one. */
async function asFile(name: string, input: Uint8Array, read: (file: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'hallmark-fuzz-'));
  try {
    const file = join(directory, name);
    writeFileSync(file, input, { mode: 0o600 });
    await read(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function load(read: Load, name: string, input: Uint8Array, only?: 'notary' | 'own'): Promise<void> {
  return asFile(name, input, async (file) => {
    const { form } = await read(file, {}, only);
    holds(only === undefined || form === only, 'a configuration is read in the form that was asked for');
  });
}

/** With all that a gateway can be told, but for files beside it. */
const GATEWAY = `
listen: 0.0.0.0:5443
data: &here /var/lib/hallmark-gateway
policy: policy.yaml
upstreams: { docker.io: {}, registry.example.com: { blobs: cache }, localhost:5000: { host: 10.0.0.7:5000 } }
default: docker.io
hosts: { hub.gw.internal: docker.io }
names: [gw.internal, *here]
tls: { cert: gw.crt, key: gw.key }
blobs: proxy
cache: 20GiB
metrics: 127.0.0.1:9464
`;

function readGateway(input: Uint8Array): Promise<void> {
  return asFile('gateway.yaml', input, async (file) => {
    const { mapping, upstreams } = await loadGatewayConfig(file);
    const meant = [...mapping.hosts.values(), ...(mapping.fallback === undefined ? [] : [mapping.fallback])];
    holds(upstreams.size > 0, 'a gateway stands for some registry');
    holds(
      meant.every((domain) => upstreams.has(domain)),
      'a gateway asks no registry that is not listed',
    );
  });
}

/** As they are given to users. */
function ownFiles(service: Service): readonly Uint8Array[] {
  return ['systemd', 'compose'].map((place) => readFileSync(join(DEPLOY, place, `${service}.yaml`)));
}

type Recorded = Readonly<Record<string, { readonly program: string; readonly config: string }>>;

/** As the original programs were given them: some they took, some they refused. */
function notaryFiles(service: Service): readonly Uint8Array[] {
  const recorded: Recorded = readVectorJson('service-configs/notary.json');
  const files = Object.values(recorded).filter(({ program }) => program === `notary-${service}`);
  return files.map(({ config }) => encodeUtf8(config));
}

function targetsOf(service: Service, read: Load): readonly FuzzTarget[] {
  const refusals = [ConfigError];
  return [
    {
      name: `${service}-config`,
      corpus: () => ownFiles(service),
      refusals,
      read: (input) => load(read, `${service}.yaml`, input, 'own'),
    },
    {
      name: `notary-${service}-config`,
      corpus: () => notaryFiles(service),
      refusals,
      // by what it holds, as a service finds out which form it has
      read: (input) => load(read, `${service}.json`, input),
    },
  ];
}

export const CONFIG_TARGETS: readonly FuzzTarget[] = [
  ...targetsOf('server', loadServerConfig),
  ...targetsOf('signer', loadSignerConfig),
  { name: 'gateway-config', corpus: () => [encodeUtf8(GATEWAY)], refusals: [ConfigError], read: readGateway },
];
