// SPDX-License-Identifier: Apache-2.0
import { embeddedRegistry, MemoryRegistryStorage } from '../../registry/index.ts';
import { openTrustServer } from '../../server/index.ts';
import { ensureOwnTls, type Listener, listen, SILENT_LOG } from '../../service/index.ts';

/** A registry and a trust server of the demonstration, with somebody between them and their users. */
export interface DemoStage {
  readonly trustUrl: string;
  readonly registryHost: string;
  /** The trust server's authority. */
  readonly caFile: string;
  /** From now on the registry serves other bytes under that digest. */
  tamperManifest(digest: string): void;
  /** Keeps the repository's present timestamp for later. */
  recordTimestamp(gun: string): Promise<void>;
  /** From now on the kept timestamp is served in place of the current one. */
  replayTimestamp(gun: string): void;
  /** Ends all attacks. */
  behave(): void;
  close(): Promise<void>;
}

type Fetch = (request: Request) => Promise<Response>;

/** Starts both on loopback, on ports that are free. */
export async function openStage(directory: string, now: () => Date): Promise<DemoStage> {
  const server = await openTrustServer({ dataDir: 'memory', clock: now, log: SILENT_LOG, env: {} });
  const registry = embeddedRegistry(new MemoryRegistryStorage());
  const attacker = new Attacker(server.fetch, (request) => Promise.resolve(registry.fetch(request)));
  const { identity, caFile } = await ensureOwnTls(directory, ['localhost', '127.0.0.1'], now());
  const listeners: Listener[] = [
    listen({ fetch: attacker.trust, tls: identity, hostname: '127.0.0.1', port: 0 }),
    listen({ fetch: attacker.registry, tls: 'plain', hostname: '127.0.0.1', port: 0 }),
  ];
  const [trust, images] = listeners as [Listener, Listener];
  return {
    trustUrl: `https://localhost:${trust.port}`,
    registryHost: `localhost:${images.port}`,
    caFile,
    tamperManifest: (digest) => attacker.tamper(digest),
    recordTimestamp: (gun) => attacker.record(gun),
    replayTimestamp: (gun) => attacker.replay(gun),
    behave: () => attacker.behave(),
    async close() {
      await Promise.all(listeners.map((listener) => listener.stop()));
      await server.close();
    },
  };
}

/** Stands between users and servers, and changes what passes when told to. */
class Attacker {
  readonly #trust: Fetch;
  readonly #registry: Fetch;
  readonly #recorded = new Map<string, Uint8Array<ArrayBuffer>>();
  #tampered: string | undefined;
  #replayed: string | undefined;

  constructor(trust: Fetch, registry: Fetch) {
    this.#trust = trust;
    this.#registry = registry;
  }

  readonly trust: Fetch = async (request) => {
    const path = timestampPath(this.#replayed ?? '');
    const old = this.#replayed === undefined ? undefined : this.#recorded.get(this.#replayed);
    return old !== undefined && new URL(request.url).pathname === path ? new Response(old) : this.#trust(request);
  };

  readonly registry: Fetch = async (request) => {
    const response = await this.#registry(request);
    if (this.#tampered === undefined || !request.url.endsWith(`/manifests/${this.#tampered}`) || !response.ok)
      return response;
    const bytes = new Uint8Array(await response.arrayBuffer());
    // white space changes no meaning, and the digest all the same
    if (bytes.length > 1) bytes[bytes.length - 1] = 0x20;
    return new Response(bytes, { status: response.status, headers: response.headers });
  };

  tamper(digest: string): void {
    this.#tampered = digest;
  }

  async record(gun: string): Promise<void> {
    const response = await this.#trust(new Request(`http://localhost${timestampPath(gun)}`));
    this.#recorded.set(gun, new Uint8Array(await response.arrayBuffer()));
  }

  replay(gun: string): void {
    this.#replayed = gun;
  }

  behave(): void {
    this.#tampered = undefined;
    this.#replayed = undefined;
  }
}

function timestampPath(gun: string): string {
  return `/v2/${gun}/_trust/tuf/timestamp.json`;
}
