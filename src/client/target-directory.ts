// SPDX-License-Identifier: Apache-2.0
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex, quoteText } from '../encoding/index.ts';
import { encodeName, type FoundTarget, VerificationError } from '../tuf/index.ts';
import { replaceFileBy } from './files.ts';

/** Downloaded targets, each in one file that is named after its whole path, percent-encoded (S13). */
export class TargetDirectory {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  fileOf({ path }: FoundTarget): string {
    return join(this.#directory, encodeName(path));
  }

  /** Whether the very target is there already. */
  async has(found: FoundTarget): Promise<boolean> {
    const file = this.fileOf(found);
    if (!existsSync(file)) return false;
    try {
      const check = new TargetCheck(found);
      for await (const chunk of createReadStream(file)) check.update(chunk);
      check.finish();
      return true;
    } catch (error) {
      if (error instanceof VerificationError) return false;
      throw error;
    }
  }

  /**
   * Stores a target whose bytes come from anywhere. Until all of them are there and are what was signed, nothing appears
   * and what was there stays. @returns its file
   * @throws VerificationError `hash-mismatch`, `length-mismatch`; what `chunks` throws; TrustDirectoryError
   */
  async save(found: FoundTarget, chunks: AsyncIterable<Uint8Array>): Promise<string> {
    const file = this.fileOf(found);
    const check = new TargetCheck(found);
    await replaceFileBy(file, async (write) => {
      for await (const chunk of chunks) {
        check.update(chunk);
        write(chunk);
      }
      check.finish();
    });
    return file;
  }
}

/** Length and every hash of a target, while its bytes go by. */
class TargetCheck {
  readonly #found: FoundTarget;
  readonly #hashes: ReadonlyMap<string, Hash>;
  #length = 0;

  /** @throws VerificationError `hash-mismatch` the target has no hash that can be checked */
  constructor(found: FoundTarget) {
    const { role, path, target } = found;
    this.#found = found;
    this.#hashes = new Map([...target.hashes.keys()].map((algorithm) => [algorithm, createHash(algorithm)]));
    if (this.#hashes.size === 0)
      throw new VerificationError('hash-mismatch', role, `target ${quoteText(path)} has neither sha256 nor sha512`);
  }

  update(chunk: Uint8Array): void {
    this.#length += chunk.length;
    for (const hash of this.#hashes.values()) hash.update(chunk);
  }

  finish(): void {
    const { role, path, target } = this.#found;
    const name = quoteText(path);
    if (this.#length !== target.length) {
      const evidence = { expected: String(target.length), actual: String(this.#length) };
      const message = `target ${name} has ${this.#length} bytes where ${target.length} were signed`;
      throw new VerificationError('length-mismatch', role, message, evidence);
    }
    for (const [algorithm, hash] of this.#hashes) {
      const expected = encodeHex(target.hashes.get(algorithm) ?? new Uint8Array());
      const actual = hash.digest('hex');
      if (actual !== expected) {
        const message = `target ${name} does not have the signed ${algorithm}`;
        throw new VerificationError('hash-mismatch', role, message, { expected, actual });
      }
    }
  }
}
