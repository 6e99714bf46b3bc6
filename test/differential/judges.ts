// SPDX-License-Identifier: Apache-2.0
/** The two who judge the same files: the original `notary` over HTTP, and our updater. */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  absent,
  DownloadError,
  type HighWaterMarks,
  MemoryHighWaterMarks,
  MemoryMetadataCache,
  type MetadataCache,
  Updater,
} from '../../src/client/index.ts';
import { encodeHex } from '../../src/encoding/index.ts';
import { listTargets, notaryV1, type RoleName, VerificationError } from '../../src/tuf/index.ts';
import { run } from '../interop/support/processes.ts';
import { cleanEnvironment, program } from '../interop/support/programs.ts';
import { GUN, type Served } from './forge.ts';

/** What a client made of a repository: its targets, sorted, or why it refused it. */
export type Verdict = { readonly trusted: readonly string[] } | { readonly refused: string };

const BASE = `/v2/${GUN}/_trust/tuf/`;

/** A trust server on loopback that has what it is told to have. */
export class LocalServer {
  served: Served = new Map();
  readonly #server: Bun.Server<undefined>;

  constructor() {
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: (request) => this.#answer(new URL(request.url)),
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  #answer({ pathname }: URL): Response {
    if (pathname === '/v2/') return new Response('{}');
    const found = pathname.startsWith(BASE) ? this.served.get(pathname.slice(BASE.length)) : undefined;
    if (found instanceof Uint8Array) return new Response(found as Uint8Array<ArrayBuffer>);
    return new Response(null, { status: found ?? 404 });
  }

  async close(): Promise<void> {
    await this.#server.stop(true);
  }
}

/** The original client, with a trust directory of its own for each question. */
export class OriginalClient {
  readonly #directory: string;
  readonly #server: LocalServer;

  constructor(directory: string, server: LocalServer) {
    this.#directory = directory;
    this.#server = server;
  }

  /** Asks once, beginning with the trust directory `start`, or with none; what it holds then stays in `keepAs`. */
  async list(start: string | undefined, keepAs?: string): Promise<Verdict> {
    const trust = join(this.#directory, keepAs ?? 'trust');
    rmSync(trust, { recursive: true, force: true });
    if (start !== undefined) cpSync(join(this.#directory, start), trust, { recursive: true });
    else mkdirSync(trust, { recursive: true });
    const argv = [program('notary'), '-s', this.#server.url, '-d', trust, 'list', GUN];
    const { code, stdout, stderr } = await run(argv, { env: cleanEnvironment({ HOME: this.#directory }) });
    if (code === 0) return { trusted: rowsOf(stdout) };
    return {
      refused: /fatal: (.*)/.exec(stdout + stderr)?.[1]?.trim() ?? `exit code ${code}: ${stderr.split('\n')[0]}`,
    };
  }
}

function rowsOf(table: string): readonly string[] {
  const lines = table.split('\n').filter((line) => /^\S/.test(line) && !/^(?:NAME|-|No targets)/.test(line));
  return lines.map((line) => line.trim().replaceAll(/ +/g, ' ')).sort();
}

/** Our client's memory between two questions. */
export interface Memory {
  readonly cache: MetadataCache;
  readonly marks: HighWaterMarks;
}

export function emptyMemory(): Memory {
  return { cache: new MemoryMetadataCache(), marks: new MemoryHighWaterMarks() };
}

/** A copy, so that one question does not answer the next. */
export function copyMemory({ cache, marks }: Memory, roles: Iterable<string>): Memory {
  const copy = emptyMemory();
  for (const role of roles) {
    const file = cache.load(GUN, role as RoleName);
    if (file !== undefined) copy.cache.store(GUN, role as RoleName, file);
  }
  copy.marks.raise(GUN, marks.load(GUN));
  return copy;
}

/** @throws whatever is neither a refusal nor a failure to get the files: a defect */
export async function ourVerdict(served: Served, memory: Memory, now: Date): Promise<Verdict> {
  const fetcher = {
    async fetch(_: string, fileName: string, maxLength: number): Promise<Uint8Array | undefined> {
      const found = served.get(fileName) ?? 404;
      if (typeof found === 'number') return absent({ status: found }, 'http://test/');
      if (found.length > maxLength) throw new DownloadError('too-large', fileName, 'more bytes than were due');
      return found;
    },
  };
  const about = { gun: GUN, dialect: notaryV1, fetcher, pinning: { trustOnFirstUse: true }, now };
  try {
    const { targets } = await new Updater({ ...about, ...memory }).refresh();
    const rows = [...listTargets(targets.roles).values()].map(({ path, role, target }) =>
      [path, encodeHex(target.hashes.get('sha256') ?? new Uint8Array()), target.length, role]
        .join(' ')
        .trim()
        .replaceAll(/ +/g, ' '),
    );
    return { trusted: rows.sort() };
  } catch (error) {
    if (error instanceof VerificationError || error instanceof DownloadError)
      return { refused: `${error.code}: ${error.message}` };
    throw error;
  }
}
