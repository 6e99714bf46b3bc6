// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { DatabaseAddress } from '../../src/service/database/index.ts';

/** The end of a message that says `commit`, in the protocols of PostgreSQL and of MySQL. */
function commitAt({ engine }: DatabaseAddress, chunk: Buffer): number {
  if (engine !== 'mysql') return chunk.indexOf('commit\0');
  return chunk.subarray(-6).equals(Buffer.from('commit')) ? chunk.length - 6 : -1;
}

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
      const at = commitAt(address, chunk);
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
      if (!isAnswerDue) client.write(chunk);
      else if (isCommitted(address, chunk)) this.#cutOne(client);
    });
  }

  #cutOne(client: Socket): void {
    this.#cut = undefined;
    this.#isGone = this.#thenGone;
    this.cuts++;
    client.destroy();
  }
}

/** Whether the last thing that the server says is that it has committed. */
function isCommitted({ engine }: DatabaseAddress, chunk: Buffer): boolean {
  if (engine !== 'mysql') return chunk.includes('COMMIT\0');
  // MySQL's packets begin with their length; an OK has two numbers before the status, here of one byte each
  let last = chunk.subarray(0, 0);
  for (let at = 0; at + 4 <= chunk.length; at += 4 + last.length) {
    last = chunk.subarray(at + 4, at + 4 + chunk.readUIntLE(at, 3));
  }
  const [inTransaction, moreToCome] = [0x1, 0x8];
  return last.length >= 7 && last[0] === 0 && (last.readUInt16LE(3) & (inTransaction | moreToCome)) === 0;
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
