// SPDX-License-Identifier: Apache-2.0
import { Database } from 'bun:sqlite';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { TrustDirectoryError } from '../client/index.ts';
import { type Digest, parseDigest } from '../registry/index.ts';
import { type Gun, type Mark, parseRoleName, parseVersion } from '../tuf/index.ts';
import type { SignedBy, SignedTag } from './signers.ts';

/** For how long a digest that is signed no more is kept: as long as `signed-ever` may say. */
const KEPT_MILLISECONDS = 400 * 86_400_000;

/** A time that is written anew more often than this says nothing more. */
const RESOLUTION_MILLISECONDS = 60_000;

const SCHEMA = `
  create table if not exists repository (gun text primary key, fingerprint text not null, seen_at integer not null) strict;
  create table if not exists signed (
    gun text not null, tag text not null, digest text not null, size integer not null, signers text not null,
    fingerprint text not null, seen_at integer not null, primary key (gun, digest, tag)
  ) strict;
  create table if not exists anchored_root (
    gun text not null, pins text not null, version integer not null, sha256 text not null, primary key (gun, pins)
  ) strict;`;

/** A tag and digest that verified targets held, and when last. */
export interface SeenTag extends SignedTag {
  readonly lastSeen: Date;
}

/** A root by its file. */
export type AnchoredRoot = Pick<Mark, 'version' | 'sha256'>;

interface SignedRow {
  readonly tag: string;
  readonly digest: string;
  readonly size: number;
  readonly signers: string;
  readonly seen_at: number;
}

/**
 * What an enforcement point remembers beside trust data: which digests verified targets held (for `signed-ever`), and under
 * which pins each repository was first trusted. An SQLite file of mode 0600: durable once a call returns, and several
 * processes may share it. A row that carries its repository's present fingerprint was last seen when the repository was, so
 * a check that finds nothing new writes one row, and that once a minute at most.
 */
export class PolicyRecord {
  readonly #database: Database;
  readonly #path: string;

  /** @throws TrustDirectoryError */
  constructor(path: string) {
    this.#path = path;
    this.#database = this.#typed(() => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      // SQLite gives its journals the mode of the database, so the mode is right before SQLite first sees it (S7)
      closeSync(openSync(path, 'a', 0o600));
      const database = new Database(path, { create: true, readwrite: true, strict: true });
      for (const pragma of ['busy_timeout = 5000', 'journal_mode = WAL', 'synchronous = FULL'])
        database.run(`pragma ${pragma}`);
      database.run(SCHEMA);
      return database;
    });
  }

  /**
   * All that is signed now. With the `fingerprint` of the last call only the time is written anew, so it may be called for each
   * decision; `tags` is asked for only when something changed.
   */
  seen(gun: Gun, fingerprint: string, tags: () => readonly SignedTag[], now: Date): void {
    this.#typed(() => {
      const known = this.#database
        .query<{ fingerprint: string; seen_at: number }, [string]>(
          'select fingerprint, seen_at from repository where gun = ?',
        )
        .get(gun);
      const at = now.getTime();
      if (known?.fingerprint === fingerprint) {
        if (at - known.seen_at >= RESOLUTION_MILLISECONDS)
          this.#database.query('update repository set seen_at = max(seen_at, ?) where gun = ?').run(at, gun);
        return;
      }
      const current = tags();
      this.#database.transaction(() => this.#replace(gun, fingerprint, current, at)).immediate();
    });
  }

  #replace(gun: Gun, fingerprint: string, tags: readonly SignedTag[], at: number): void {
    const database = this.#database;
    // what was current until now was last seen when the repository was
    database
      .query(
        `update signed set seen_at = (select seen_at from repository where repository.gun = signed.gun)
         where gun = ? and fingerprint = (select fingerprint from repository where repository.gun = signed.gun)`,
      )
      .run(gun);
    const insert = database.query('insert or replace into signed values (?, ?, ?, ?, ?, ?, ?)');
    for (const { tag, digest, size, signers } of tags)
      insert.run(
        gun,
        tag,
        digest,
        size,
        JSON.stringify(signers.map(({ role, keys }) => [role, keys])),
        fingerprint,
        at,
      );
    database.query('insert or replace into repository values (?, ?, ?)').run(gun, fingerprint, at);
    database
      .query('delete from signed where gun = ? and fingerprint <> ? and seen_at < ?')
      .run(gun, fingerprint, at - KEPT_MILLISECONDS);
  }

  /** When and for which tags a digest was signed; empty if never, or too long ago to be kept. */
  lastSeen(gun: Gun, digest: Digest): readonly SeenTag[] {
    return this.#typed(() =>
      this.#database
        .query<SignedRow, [string, string]>(
          `select tag, digest, size, signers,
             case when signed.fingerprint = repository.fingerprint then repository.seen_at else signed.seen_at end as seen_at
           from signed join repository on repository.gun = signed.gun where signed.gun = ? and digest = ?`,
        )
        .all(gun, digest)
        .map((row) => ({
          tag: row.tag,
          digest: parseDigest(row.digest),
          size: row.size,
          signers: decodeSigners(row.signers),
          lastSeen: new Date(row.seen_at),
        })),
    );
  }

  /** The root of the repository that was last found to fit these pins; undefined if none was. */
  anchored(gun: Gun, pins: string): AnchoredRoot | undefined {
    const row = this.#typed(() =>
      this.#database
        .query<{ version: number; sha256: string }, [string, string]>(
          'select version, sha256 from anchored_root where gun = ? and pins = ?',
        )
        .get(gun, pins),
    );
    return row === null ? undefined : { version: parseVersion(row.version), sha256: row.sha256 };
  }

  anchor(gun: Gun, pins: string, { version, sha256 }: AnchoredRoot): void {
    this.#typed(() =>
      this.#database.query('insert or replace into anchored_root values (?, ?, ?, ?)').run(gun, pins, version, sha256),
    );
  }

  close(): void {
    this.#database.close();
  }

  #typed<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof TrustDirectoryError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TrustDirectoryError('unreadable', this.#path, `record ${this.#path} cannot be used: ${reason}`, {
        cause,
      });
    }
  }
}

function decodeSigners(text: string): readonly SignedBy[] {
  const rows = JSON.parse(text) as readonly (readonly [string, readonly string[]])[];
  return rows.map(([role, keys]) => ({ role: parseRoleName(role), keys }));
}
