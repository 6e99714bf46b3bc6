// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AuditFileError, linesOf, parseAuditLine } from './lines.ts';
import type { AuditLine } from './records.ts';

/** Reads an audit file onwards while another program writes it, and goes over to the new one after a rotation. */
export class AuditFileTail {
  readonly #path: string;
  #offset = 0;
  #file: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** What was added since the last call; at the first one, all that there is. @throws AuditFileError */
  async next(): Promise<readonly AuditLine[]> {
    const found = await stat(this.#path).catch(() => undefined);
    if (found === undefined) return [];
    const file = `${found.dev} ${found.ino}`;
    if (this.#file !== file || found.size < this.#offset) this.#offset = 0;
    this.#file = file;
    if (found.size === this.#offset) return [];
    // up to the size that was seen: the last line may be half there
    const bytes = createReadStream(this.#path, { start: this.#offset, end: found.size - 1 });
    const lines: AuditLine[] = [];
    for await (const { line, end } of linesOf(this.#path, bytes)) {
      if (end === undefined) break;
      this.#offset += end;
      const parsed = parseAuditLine(line);
      if (parsed === undefined) throw new AuditFileError(this.#path, 'a new line is none of an audit log');
      if (parsed.kind === 'entry') lines.push(parsed.entry);
    }
    return lines;
  }
}
