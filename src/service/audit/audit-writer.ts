// SPDX-License-Identifier: Apache-2.0
import { type Loop, startLoop, type Wait } from '../background-loop.ts';
import type { Coordination } from '../coordination/index.ts';
import type { Log } from '../log.ts';
import { AuditFile } from './audit-file.ts';
import { NO_HASH } from './chain.ts';
import { AuditFollower, type FollowerOptions } from './follower.ts';
import type { AuditSource } from './records.ts';

export interface AuditWriterOptions extends FollowerOptions {
  readonly source: AuditSource;
  /** Made when missing, with mode 0600. Each process has a file of its own. */
  readonly path: string;
  /** Remembers how far the file has come, in case it is moved away while nobody writes it. */
  readonly coordination: Coordination;
  /** Tells this process's file from that of others on the same database: the name of the host or the pod. */
  readonly name: string;
  readonly log: Log;
  readonly wait?: Wait;
}

const BATCH = 500;
const POLL_MS = 1000;

/**
 * Writes what the audit table gets into a file, each entry once and in the table's order. A new file begins with the
 * table's first entry, or goes on where the last one ended.
 */
export class AuditWriter {
  readonly #options: AuditWriterOptions;
  readonly #follower: AuditFollower;
  #file: AuditFile;
  #loop: Loop | undefined;

  private constructor(options: AuditWriterOptions, file: AuditFile) {
    this.#options = options;
    this.#follower = new AuditFollower(options.source, options);
    this.#file = file;
  }

  /** @throws AuditFileError if there is a file of another kind, or one that cannot be written */
  static async open(options: AuditWriterOptions): Promise<AuditWriter> {
    const cursor = await options.coordination.cursor(cursorName(options.name));
    // a file that was moved away meanwhile took the hash of its last line along
    const file = await AuditFile.open(options.path, { position: cursor?.position ?? 0, hash: NO_HASH });
    return new AuditWriter(options, file);
  }

  start(): void {
    const { log, wait } = this.#options;
    this.#loop ??= startLoop(() => this.step(), { name: 'audit file', log, ...(wait === undefined ? {} : { wait }) });
  }

  /** Writes what is there, and says after how many milliseconds to look again. */
  async step(): Promise<number> {
    if (await this.#file.wasMoved()) await this.#reopen();
    const lines = await this.#follower.next(this.#file.position, BATCH);
    if (lines.length === 0) return POLL_MS;
    await this.#file.append(lines);
    await this.#remember();
    return lines.length === BATCH ? 0 : POLL_MS;
  }

  /** Log rotation renamed the file: the new one goes on from it. */
  async #reopen(): Promise<void> {
    const fresh = await AuditFile.open(this.#options.path, this.#file.head);
    await this.#file.close();
    this.#file = fresh;
  }

  async #remember(): Promise<void> {
    const { coordination, name } = this.#options;
    const key = cursorName(name);
    const known = await coordination.cursor(key);
    await coordination.moveCursor(key, known?.position, { position: this.#file.position, attempts: 0 });
  }

  /** Resolves once everything that is there has been written. */
  async stop(): Promise<void> {
    await this.#loop?.stop();
    try {
      while ((await this.step()) === 0);
    } catch (error) {
      this.#options.log.error({ error }, 'audit file: not all could be written, it goes on at the next start');
    } finally {
      await this.#file.close();
    }
  }
}

function cursorName(name: string): string {
  return `audit-file ${name}`.slice(0, 255);
}
