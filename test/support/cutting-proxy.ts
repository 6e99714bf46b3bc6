// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { DatabaseAddress } from '../../src/service/database/index.ts';

/** `commit` as a statement of its own, in the protocols of PostgreSQL and of MySQL. */
const COMMIT = { postgres: Buffer.from('commit\0'), mysql: Buffer.from('\x03commit') };

/** When a connection breaks: as a commit comes, which the server never sees; or as the server answers it. */
export type Cut = 'before-commit' | 'after-commit' | 'now';

/** Stands between a client and a database server, and breaks connections when told to. */
export class CuttingProxy {
  /** How to get to the database through the proxy. */
  readonly address: DatabaseAddress;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #cut: Cut | undefined;
  #isGone = false;
  cuts = 0;

  private constructor(address: DatabaseAddress, server: Server) {
    this.address = address;
    this.#server = server;
  }

  static async start(address: DatabaseAddress): Promise<CuttingProxy> {
    const server = createServer();
    const listening = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', () => listening.resolve());
    await listening.promise;
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const proxy = new CuttingProxy(redirected(address, port), server);
    server.on('connection', (client) => proxy.#serve(client, address));
    return proxy;
  }

  /** The next chance is the last one: where `thenGone`, nothing gets through any more. */
  cutNext(cut: Cut, thenGone = false): void {
    this.#cut = cut;
    this.#isGone = false;
    if (cut === 'now') this.#breakAll(thenGone);
    else this.#thenGone = thenGone;
  }

  #thenGone = false;

  comeBack(): void {
    this.#isGone = false;
  }

  async stop(): Promise<void> {
    this.#breakAll(true);
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    await closed.promise;
  }

  #breakAll(thenGone: boolean): void {
    this.#cut = undefined;
    this.#isGone = thenGone;
    this.cuts++;
    for (const socket of this.#open) socket.destroy();
  }

  #serve(client: Socket, address: DatabaseAddress): void {
    if (this.#isGone) {
      client.destroy();
      return;
    }
    const server = connect(placeOf(address));
    let isAnswerDue = false;
    for (const socket of [client, server]) {
      this.#open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#open.delete(socket);
        (socket === client ? server : client).destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      const at = chunk.indexOf(COMMIT[address.engine === 'mysql' ? 'mysql' : 'postgres']);
      if (at >= 0 && this.#cut === 'before-commit') {
        // PostgreSQL's message begins with a letter and its length
        server.write(chunk.subarray(0, Math.max(0, at - 5)));
        server.end();
        this.#cutOne(client);
        return;
      }
      if (at >= 0 && this.#cut === 'after-commit') isAnswerDue = true;
      server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => {
      if (isAnswerDue && isAnswer(address, chunk)) this.#cutOne(client);
      else client.write(chunk);
    });
  }

  #cutOne(client: Socket): void {
    this.#cut = undefined;
    this.#isGone = this.#thenGone;
    this.cuts++;
    client.destroy();
  }
}

/** Whether the server says that it has committed. */
function isAnswer({ engine }: DatabaseAddress, chunk: Buffer): boolean {
  return engine === 'mysql' || chunk.includes('COMMIT\0');
}

function placeOf({ engine, url }: DatabaseAddress): { path: string } | { host: string; port: number } {
  if (engine === 'mysql') {
    const [, kind, place = ''] = /@(unix|tcp)\((.*)\)\/[^/]*$/.exec(url) ?? [];
    if (kind === 'unix') return { path: place };
    const [host = '', port = '3306'] = place.split(':');
    return { host, port: Number(port) };
  }
  const parsed = new URL(url);
  const directory = parsed.searchParams.get('host');
  if (directory?.startsWith('/') === true) return { path: `${directory}/.s.PGSQL.${parsed.port || 5432}` };
  return { host: directory ?? parsed.hostname, port: Number(parsed.port || 5432) };
}

function redirected(address: DatabaseAddress, port: number): DatabaseAddress {
  if (address.engine === 'mysql') {
    return { ...address, url: address.url.replace(/@(unix|tcp)\(.*\)\/([^/]*)$/, `@tcp(127.0.0.1:${port})/$2`) };
  }
  const url = new URL(address.url);
  url.searchParams.set('host', '127.0.0.1');
  url.searchParams.set('port', String(port));
  url.searchParams.set('sslmode', 'disable');
  return { ...address, url: url.href };
}
