// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { CHAIN_START, type ChainHead, fieldsOf, headerOf, sealLine } from './chain.ts';
import { AuditFileError, MAX_LINE, parseAuditLine } from './lines.ts';
import type { AuditLine } from './records.ts';

/**
 * The audit log as a file of JSON lines, chained by hashes. It is only ever appended to, by one process; what `append`
 * resolved to is on the disk. Where the file goes on from, it says itself.
 */
export class AuditFile {
  readonly path: string;
  #file: FileHandle;
  #size: number;
  #head: ChainHead;

  private constructor(path: string, file: FileHandle, size: number, head: ChainHead) {
    this.path = path;
    this.#file = file;
    this.#size = size;
    this.#head = head;
  }

  /**
   * @param start what a file that is new goes on from
   * @throws AuditFileError if what is there is no such file
   */
  static async open(path: string, start: ChainHead = CHAIN_START): Promise<AuditFile> {
    const { O_APPEND, O_CREAT, O_RDWR } = constants;
    const file = await open(path, O_RDWR | O_APPEND | O_CREAT, 0o600);
    try {
      const { size } = await file.stat();
      const found = size === 0 ? undefined : await readTail(path, file, size);
      if (found !== undefined) return new AuditFile(path, file, found.size, found.head);
      const made = new AuditFile(path, file, 0, start);
      await made.#write([headerOf(start)], start.position);
      return made;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The ID of the last entry. */
  get position(): number {
    return this.#head.position;
  }

  get head(): ChainHead {
    return this.#head;
  }

  /** Resolves once all of them are on the disk. @throws AuditFileError if somebody else wrote to the file */
  async append(lines: readonly AuditLine[]): Promise<void> {
    const last = lines.at(-1);
    if (last !== undefined) await this.#write(lines.map(fieldsOf), Number(last.id));
  }

  async #write(records: readonly object[], position: number): Promise<void> {
    const { size } = await this.#file.stat();
    if (size !== this.#size) throw new AuditFileError(this.path, 'another program wrote to the audit file');
    let { hash } = this.#head;
    let text = '';
    for (const record of records) {
      const sealed = sealLine(record, hash);
      hash = sealed.hash;
      text += `${sealed.line}\n`;
    }
    try {
      await this.#file.appendFile(text);
      await this.#file.datasync();
    } catch (error) {
      // all or nothing, so that the next attempt does not write behind half a line
      await this.#file.truncate(this.#size);
      throw error;
    }
    this.#size += Buffer.byteLength(text);
    this.#head = { position, hash };
  }

  /** Whether the file was renamed or removed, as log rotation does: what comes now belongs into a new one. */
  async wasMoved(): Promise<boolean> {
    const [here, there] = [await this.#file.stat(), await stat(this.path).catch(() => undefined)];
    return there === undefined || there.ino !== here.ino || there.dev !== here.dev;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The last whole line. What follows it was cut off by a crash: it was never said to be written, so it is taken away. */
async function readTail(
  path: string,
  file: FileHandle,
  size: number,
): Promise<{ size: number; head: ChainHead } | undefined> {
  const start = Math.max(0, size - MAX_LINE);
  const { buffer } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  const end = buffer.lastIndexOf(0x0a);
  if (end < 0) {
    if (start > 0) throw new AuditFileError(path, 'no audit file: its last line has no end');
    await file.truncate(0);
    return undefined;
  }
  const whole = start + end + 1;
  const last = buffer.subarray(buffer.lastIndexOf(0x0a, end - 1) + 1, end).toString('utf8');
  const line = parseAuditLine(last);
  if (line === undefined) throw new AuditFileError(path, 'no audit file: its last line is none of an audit log');
  if (whole < size) {
    await file.truncate(whole);
    await file.datasync();
  }
  const position = line.kind === 'header' ? line.start.position : Number(line.entry.id);
  return { size: whole, head: { position, hash: line.hash } };
}
