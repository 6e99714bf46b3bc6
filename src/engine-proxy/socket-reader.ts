// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { AmbiguousRequestError, type Body } from './request-head.ts';

const END_OF_HEAD = Buffer.from('\r\n\r\n');
const MAX_HEAD = 64 * 1024;
const MAX_CHUNK_LINE = 128;

/** The other side ended, or broke off, before what was due. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
}

/** Reads a connection piece by piece; what was not asked for stays in it. */
export class SocketReader {
  readonly #socket: Socket;
  #held: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onEnd);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    // nobody wants it yet: it waits with the sender
    this.#socket.pause();
    this.#wake();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake();
  };

  /** Everything up to the empty line, without it. @throws DisconnectedError, AmbiguousRequestError */
  async head(): Promise<Uint8Array> {
    for (;;) {
      const end = this.#held.indexOf(END_OF_HEAD);
      if (end >= 0) return this.#take(end + END_OF_HEAD.length).subarray(0, end);
      if (this.#held.length > MAX_HEAD) throw new AmbiguousRequestError('a head that does not end');
      await this.#more();
    }
  }

  /** The pieces of a body as they stand on the wire, the marks between chunks included, and not a byte more. */
  async *raw(body: Body): AsyncGenerator<Uint8Array> {
    if (body.kind === 'length') yield* this.#exactly(body.bytes);
    if (body.kind !== 'chunked') return;
    for (;;) {
      const line = await this.#line();
      yield line;
      const size = chunkSize(line);
      if (size === 0) break;
      yield* this.#exactly(size + 2);
    }
    // trailers, up to the empty line
    for (let line = await this.#line(); ; line = await this.#line()) {
      yield line;
      if (line.length === 2) return;
    }
  }

  /** The content of a body. @throws AmbiguousRequestError if it has more than `limit` bytes */
  async content(body: Body, limit: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of this.stream(body)) {
      length += part.length;
      if (length > limit) throw new AmbiguousRequestError(`a body of more than ${limit} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts, length);
  }

  /** The same, as it comes and without end. @throws AmbiguousRequestError */
  async *stream(body: Body): AsyncGenerator<Uint8Array> {
    if (body.kind === 'length') yield* this.#exactly(body.bytes);
    if (body.kind !== 'chunked') return;
    for (let size = chunkSize(await this.#line()); size > 0; size = chunkSize(await this.#line())) {
      yield* this.#exactly(size);
      if ((await this.#line()).length !== 2) throw new AmbiguousRequestError('a chunk that does not end');
    }
    while ((await this.#line()).length !== 2);
  }

  /** Gives the connection back: what was read and not asked for, and from then on the socket itself. */
  release(): Uint8Array {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onEnd);
    return this.#take(this.#held.length);
  }

  async *#exactly(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0; ) {
      if (this.#held.length === 0) await this.#more();
      const part = this.#take(Math.min(left, this.#held.length));
      left -= part.length;
      yield part;
    }
  }

  async #line(): Promise<Buffer> {
    for (;;) {
      const end = this.#held.indexOf('\r\n');
      if (end >= 0) return this.#take(end + 2);
      if (this.#held.length > MAX_CHUNK_LINE) throw new AmbiguousRequestError('a chunk without its size');
      await this.#more();
    }
  }

  #take(count: number): Buffer {
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#ended) throw new DisconnectedError('the connection ended early');
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#socket.resume();
    });
    if (this.#held.length === 0 && this.#ended) throw new DisconnectedError('the connection ended early');
  }
}

function chunkSize(line: Uint8Array): number {
  const [, size] = /^([0-9a-fA-F]{1,8})(?:;[^\r\n]*)?\r\n$/.exec(Buffer.from(line).toString('latin1')) ?? [];
  if (size === undefined) throw new AmbiguousRequestError('a chunk without its size');
  return Number.parseInt(size, 16);
}
