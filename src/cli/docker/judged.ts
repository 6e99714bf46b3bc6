// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveEndpoint } from '../../engine/index.ts';
import { startEngineProxy } from '../../engine-proxy/index.ts';
import { type DecisionObserver, type Policy, parsePolicy } from '../../policy/index.ts';
import type { Io } from '../io.ts';
import { oneLine } from '../one-line.ts';
import { openPolicyEngine, policyInForce } from '../policy-in-force.ts';
import { trustDirectory } from '../settings.ts';
import { runDocker } from './real-docker.ts';

const OWNER_ONLY = 0o600;

/** Runs docker with a proxy of its own for an engine; nothing of it is left when it has ended. */
export async function runJudged(program: string, argv: readonly string[], io: Io): Promise<number> {
  const policy = policyInForce(io, {}) ?? everythingSigned(io);
  const endpoint = await resolveEndpoint({ env: io.env });
  const engine = openPolicyEngine(io, {}, policy, {
    point: 'cli',
    directory: trustDirectory(io, {}),
    observer: toldOn(io),
  });
  const directory = await mkdtemp(join(tmpdir(), 'hallmark-docker-'));
  try {
    const proxy = await startEngineProxy({
      policy: engine,
      endpoint,
      address: { kind: 'unix', path: join(directory, 'docker.sock'), mode: OWNER_ONLY },
      builds: 'judge',
      onError: (error) => io.stderr.write(`docker: content trust: ${oneLine(String(error))}\n`),
    });
    try {
      return await runDocker(program, argv, environmentOf(io, proxy.host));
    } finally {
      await proxy.stop();
    }
  } finally {
    engine.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** What DOCKER_CONTENT_TRUST=1 meant: tags are signed, on first use by whoever signs them; a digest is itself. */
function everythingSigned({ env }: Io): Policy {
  const server = env.DOCKER_CONTENT_TRUST_SERVER ? { server: env.DOCKER_CONTENT_TRUST_SERVER.replace(/\/+$/, '') } : {};
  const rule = { images: '**', 'first-use': true, digests: 'any', ...server };
  return parsePolicy(JSON.stringify({ version: 1, rules: [rule] }), 'DOCKER_CONTENT_TRUST_SERVER');
}

/** What is refused, docker shows; what is let through all the same is told here. */
function toldOn({ stderr }: Io): DecisionObserver {
  return {
    log: (_, record) => {
      if (record.overruled) stderr.write(`warning: ${record.reference}: ${oneLine(record.reason ?? 'not trusted')}\n`);
    },
    count: () => {},
  };
}

/** Docker's own switches that would lead past the proxy, or to what it cannot judge, are off. */
function environmentOf({ env }: Io, host: string): Io['env'] {
  return {
    ...env,
    DOCKER_HOST: host,
    DOCKER_CONTEXT: undefined,
    DOCKER_TLS: undefined,
    DOCKER_TLS_VERIFY: undefined,
    DOCKER_CERT_PATH: undefined,
    DOCKER_CONTENT_TRUST: undefined,
    DOCKER_BUILDKIT: '0',
    BUILDX_BUILDER: undefined,
    BUILDKIT_HOST: undefined,
  };
}
