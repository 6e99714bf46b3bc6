// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Selectable } from 'kysely';
import { equalBytes } from '../../encoding/index.ts';
import {
  DatabaseUnavailableError,
  isUnstorableText,
  lockName,
  type OpenedDatabase,
  readAgain,
  transact,
  unlessAway,
  writeAgain,
} from '../../service/database/index.ts';
import { type Gun, type KeyId, type PublicKey, parseGun, parseRoleName, type RoleName } from '../../tuf/index.ts';
import { PrivateKeyError } from '../errors.ts';
import { wipe } from '../key-der.ts';
import { PrivateKey } from '../private-key.ts';
import type { Signer } from '../signer.ts';
import { ServiceKeyError } from './errors.ts';
import { ENCRYPTION_ALGORITHM, KEYWRAP_ALGORITHM, unwrapKey, wrapKey } from './jwe.ts';
import { type PassphraseRotation, type PassphraseRotationReport, rotatePassphrase } from './rotate-passphrase.ts';
import type { PrivateKeysTable, ServiceKeyTables } from './schema.ts';
import type { ServiceKeyAlgorithm, ServiceKeyInfo, ServiceKeys } from './service-keys.ts';

export interface SqlServiceKeysOptions {
  /** Under whose passphrase new keys are encrypted. */
  readonly defaultAlias: string;
  /** The passphrase of an alias, `undefined` if there is none. */
  readonly passphrase: (alias: string) => string | undefined;
  readonly now: () => Date;
  /** Decrypted keys that stay in memory, the least recently used leaves first. */
  readonly cacheSize?: number;
}

/** Notary's names for the variables (reference 7.4): alias `prod_1` has its passphrase in NOTARY_SIGNER_PROD_1. */
export function environmentAliasPassphrase(env: Readonly<Record<string, string | undefined>>, alias: string) {
  return env[`NOTARY_SIGNER_${alias.toUpperCase()}`] || undefined;
}

type Row = Selectable<PrivateKeysTable>;

interface Unlocked {
  readonly key: PrivateKey;
  readonly gun: string;
  readonly role: string;
  /** When `last_used` was last written, in milliseconds. */
  marked: number;
}

const CACHE_SIZE = 1000;
/** `last_used` tells pending from active keys and old from new ones; nobody needs it by the second. */
const MARK_EVERY_MS = 60_000;

/**
 * Service keys in Notary's `private_keys` table, each encrypted under the passphrase of its alias. Rows that Notary
 * marked as deleted count as absent.
 */
export class SqlServiceKeys implements ServiceKeys {
  readonly #opened: OpenedDatabase<ServiceKeyTables>;
  readonly #options: SqlServiceKeysOptions;
  readonly #unlocked = new Map<KeyId, Unlocked>();

  /** The caller has migrated the database. */
  constructor(opened: OpenedDatabase<ServiceKeyTables>, options: SqlServiceKeysOptions) {
    this.#opened = opened;
    this.#options = options;
  }

  get #database(): Kysely<ServiceKeyTables> {
    return this.#opened.database;
  }

  async create(gun: Gun, role: RoleName, algorithm: ServiceKeyAlgorithm): Promise<PublicKey> {
    try {
      return await this.#pendingOrNew(gun, role, algorithm);
    } catch (cause) {
      if (!isUnstorableText(cause)) throw cause;
      const text = `the database of keys cannot hold ${gun}: it lacks characters of the name`;
      throw new ServiceKeyError('unstorable-name', text, { cause });
    }
  }

  async #pendingOrNew(gun: Gun, role: RoleName, algorithm: ServiceKeyAlgorithm): Promise<PublicKey> {
    const found = await again(() => pendingKey(this.#database, gun, role, algorithm));
    if (found !== undefined) return found;
    const key = PrivateKey.generate(algorithm);
    // wrapping is slow on purpose, so it is done before the transaction
    const row = { ...(await this.#encrypted(key)), gun, role };
    // an attempt whose answer got lost has left a pending key, which the next one finds
    const attempt = () =>
      transact(this.#opened, async (transaction) => {
        await lockName(transaction, this.#opened.engine, `key ${role} ${gun}`);
        const other = await pendingKey(transaction, gun, role, algorithm);
        if (other !== undefined) return other;
        await transaction.insertInto('private_keys').values(row).execute();
        return key.key;
      });
    return unlessAway(() => writeAgain(attempt, (cause) => new DatabaseUnavailableError(cause)));
  }

  async #encrypted(key: PrivateKey) {
    const alias = this.#options.defaultAlias;
    const plain = key.encodeBare();
    try {
      const jwe = await wrapKey(plain, this.#passphrase(alias));
      const now = timestamp(this.#options.now());
      return {
        created_at: now,
        updated_at: now,
        key_id: key.keyId,
        encryption_alg: ENCRYPTION_ALGORITHM,
        keywrap_alg: KEYWRAP_ALGORITHM,
        algorithm: key.algorithm,
        passphrase_alias: alias,
        public: Buffer.from(key.key.bytes),
        private: Buffer.from(jwe, 'latin1'),
      };
    } finally {
      wipe(plain);
    }
  }

  async signer(keyId: KeyId): Promise<Signer | undefined> {
    const unlocked = this.#unlocked.get(keyId) ?? (await this.#open(keyId));
    if (unlocked === undefined) return undefined;
    this.#keep(keyId, unlocked);
    return {
      key: unlocked.key.key,
      sign: async (message) => {
        await this.#mark(keyId, unlocked);
        return unlocked.key.sign(message);
      },
    };
  }

  /**
   * That the passphrase of every alias in use opens its keys: told at the start and not at somebody's publish.
   * @throws ServiceKeyError
   */
  async check(): Promise<void> {
    const firsts = await this.#database
      .selectFrom('private_keys')
      .select(({ fn }) => fn.min('key_id').as('key_id'))
      .where('deleted_at', 'is', null)
      .groupBy('passphrase_alias')
      .execute();
    for (const { key_id } of firsts) await this.#open(key_id as KeyId);
  }

  /** As {@link rotatePassphrase}, with the passphrases that these keys are opened with; to the default alias unless told. */
  rotatePassphrase(rotation: Partial<PassphraseRotation> = {}): Promise<PassphraseRotationReport> {
    const to = rotation.to ?? this.#options.defaultAlias;
    return rotatePassphrase(this.#database, { ...rotation, to }, (alias) => this.#passphrase(alias));
  }

  async #open(keyId: KeyId): Promise<Unlocked | undefined> {
    const row = await this.#row(keyId);
    if (row === undefined) return undefined;
    const plain = await unwrapKey(Buffer.from(row.private).toString('latin1'), this.#passphrase(row.passphrase_alias));
    try {
      const key = PrivateKey.decode(
        row.algorithm === 'ed25519' || row.algorithm === 'rsa' ? row.algorithm : 'ecdsa',
        plain,
      );
      // a row under another key's ID would make that key sign in its place
      if (key.keyId !== keyId || !equalBytes(key.key.bytes, row.public)) {
        throw new ServiceKeyError('malformed', `stored key ${keyId} is another key`);
      }
      return { key, gun: row.gun, role: row.role, marked: Number.NEGATIVE_INFINITY };
    } catch (cause) {
      if (!(cause instanceof PrivateKeyError)) throw cause;
      throw new ServiceKeyError('malformed', `stored key ${keyId} is damaged`, { cause });
    } finally {
      wipe(plain);
    }
  }

  #keep(keyId: KeyId, unlocked: Unlocked): void {
    this.#unlocked.delete(keyId);
    this.#unlocked.set(keyId, unlocked);
    const [oldest] = this.#unlocked.keys();
    if (this.#unlocked.size > (this.#options.cacheSize ?? CACHE_SIZE) && oldest !== undefined)
      this.#unlocked.delete(oldest);
  }

  /** Before the signature leaves: a key that has signed must never be handed out as pending again. */
  async #mark(keyId: KeyId, unlocked: Unlocked): Promise<void> {
    if (this.#isMarked(unlocked)) return;
    const now = this.#options.now();
    const update = this.#database
      .updateTable('private_keys')
      .set({ last_used: timestamp(now), updated_at: timestamp(now) })
      .where('key_id', '=', keyId)
      .where('deleted_at', 'is', null);
    const { numUpdatedRows } = await again(() => update.executeTakeFirstOrThrow());
    if (numUpdatedRows === 0n) {
      this.#unlocked.delete(keyId);
      throw new ServiceKeyError('not-found', `key ${keyId} was removed`);
    }
    unlocked.marked = now.getTime();
  }

  async info(keyId: KeyId): Promise<ServiceKeyInfo | undefined> {
    const unlocked = this.#unlocked.get(keyId);
    if (unlocked !== undefined && this.#isMarked(unlocked)) {
      return { key: unlocked.key.key, ...purposeOf(unlocked), pending: false };
    }
    const row = await this.#row(keyId);
    return row && { key: publicKey(row), ...purposeOf(row), pending: row.last_used === null };
  }

  /** Whether the table itself said a short while ago that the key is there, and in use. */
  #isMarked({ marked }: Unlocked): boolean {
    return this.#options.now().getTime() - marked < MARK_EVERY_MS;
  }

  /** Notary only marks the row and keeps the ciphertext; a key that must go has to be gone. */
  async remove(keyId: KeyId): Promise<void> {
    await again(() => this.#database.deleteFrom('private_keys').where('key_id', '=', keyId).execute());
    const unlocked = this.#unlocked.get(keyId);
    // whoever still holds its signer finds out when it signs
    if (unlocked !== undefined) unlocked.marked = Number.NEGATIVE_INFINITY;
    this.#unlocked.delete(keyId);
  }

  #row(keyId: KeyId): Promise<Row | undefined> {
    const rows = this.#database
      .selectFrom('private_keys')
      .selectAll()
      .where('key_id', '=', keyId)
      .where('deleted_at', 'is', null);
    return again(() => rows.executeTakeFirst());
  }

  #passphrase(alias: string): string {
    const passphrase = this.#options.passphrase(alias);
    if (passphrase !== undefined) return passphrase;
    throw new ServiceKeyError('no-passphrase', `no passphrase for key alias ${alias}`);
  }
}

/** What may be done twice. @throws DatabaseUnavailableError */
function again<T>(work: () => Promise<T>): Promise<T> {
  return unlessAway(() => readAgain(work));
}

async function pendingKey(
  database: Kysely<ServiceKeyTables>,
  gun: Gun,
  role: RoleName,
  algorithm: ServiceKeyAlgorithm,
): Promise<PublicKey | undefined> {
  const rows = await database
    .selectFrom('private_keys')
    .select(['algorithm', 'public', 'gun', 'role'])
    .where('gun', '=', gun)
    .where('role', '=', role)
    .where('algorithm', '=', algorithm)
    .where('last_used', 'is', null)
    .where('deleted_at', 'is', null)
    .orderBy('key_id')
    .execute();
  // MySQL compares without regard to case: the key of another GUN must not be taken
  const row = rows.find((candidate) => candidate.gun === gun && candidate.role === role);
  return row && publicKey(row);
}

/** What the key was made for. The columns are younger than Notary's signer: keys from before have an empty text in both. */
function purposeOf({ gun, role }: Pick<Row, 'gun' | 'role'>): Pick<ServiceKeyInfo, 'gun' | 'role'> {
  return { gun: gun === '' ? undefined : parseGun(gun), role: role === '' ? undefined : parseRoleName(role) };
}

function publicKey(row: Pick<Row, 'algorithm' | 'public'>): PublicKey {
  return { type: row.algorithm, bytes: new Uint8Array(row.public) };
}

/** `2026-11-22 14:14:23`, the spelling that SQLite, PostgreSQL and MySQL all take. */
function timestamp(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ');
}
