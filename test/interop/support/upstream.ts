// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createServer, type Socket, connect as tcpConnect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { packTar } from 'modern-tar';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const CONFIG = 'application/vnd.docker.container.image.v1+json';
const LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

export const sha256 = (content: string | Uint8Array) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

export interface PushedImage {
  readonly digest: string;
  readonly layer: string;
  readonly manifest: string;
}

/** Pushes an image of one layer with one file, such as every engine can unpack. */
export async function pushImage(
  registry: string,
  repository: string,
  tag: string,
  content: string,
): Promise<PushedImage> {
  const tar = await packTar([{ header: { name: 'content', size: Buffer.byteLength(content) }, body: content }]);
  const layer = gzipSync(tar);
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['/content'] },
    rootfs: { type: 'layers', diff_ids: [sha256(tar)] },
    history: [{ created: '2026-01-01T00:00:00Z', created_by: content }],
  });
  for (const blob of [layer, config]) await pushBlob(registry, repository, blob);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, size: config.length, digest: sha256(config) },
    layers: [{ mediaType: LAYER, size: layer.length, digest: sha256(layer) }],
  });
  const url = `http://${registry}/v2/${repository}/manifests/${tag}`;
  const put = await fetch(url, { method: 'PUT', headers: { 'content-type': MANIFEST }, body: manifest });
  if (put.status !== 201) throw new Error(`the registry answered ${put.status} to ${url}`);
  return { digest: sha256(manifest), layer: sha256(layer), manifest };
}

async function pushBlob(registry: string, repository: string, content: string | Uint8Array): Promise<void> {
  const started = await fetch(`http://${registry}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const place = new URL(started.headers.get('location') ?? '', `http://${registry}`);
  place.searchParams.set('digest', sha256(content));
  const put = await fetch(place, { method: 'PUT', body: content as string });
  if (put.status !== 201) throw new Error(`the registry answered ${put.status} to a blob`);
}

/**
 * Passes connections on as they are, and counts them. Standing at the address that images are named by, it is a trap: only an
 * engine that goes past the gateway comes there, since the gateway knows the registry's real address.
 */
export class Forwarder {
  /** Connections that were made, whatever was spoken on them. */
  connections = 0;
  /** Where they lead; undefined closes them at once. */
  target: number | undefined;
  readonly #server;
  readonly #sockets = new Set<Socket>();

  constructor(port: number, target: number) {
    this.target = target;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.listen(port, '127.0.0.1');
  }

  #accept(socket: Socket): void {
    this.connections++;
    if (this.target === undefined) {
      socket.destroy();
      return;
    }
    const onward = tcpConnect(this.target, '127.0.0.1');
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    socket.pipe(onward).pipe(socket);
  }

  /** Ends the connections that there are, so that the next request makes one anew. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
