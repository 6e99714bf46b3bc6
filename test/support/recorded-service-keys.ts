// SPDX-License-Identifier: Apache-2.0
import type { Insertable } from 'kysely';
import { decodeBase64, encodeUtf8 } from '../../src/encoding/index.ts';
import type { PrivateKeysTable } from '../../src/signing/service-keys/schema.ts';
import type { KeyId } from '../../src/tuf/index.ts';
import { readVectorJson } from './vectors.ts';

/** A row of `private_keys` as Notary's signer wrote it, with what is needed to open it. */
export interface RecordedServiceKey {
  readonly keyId: KeyId;
  readonly gun: string;
  readonly role: string;
  readonly algorithm: string;
  readonly alias: string;
  readonly passphrase: string;
  readonly encryptionAlg: string;
  readonly keywrapAlg: string;
  readonly lastUsed: string | null;
  /** Base64. */
  readonly public: string;
  /** Base64 of the private key. */
  readonly plain: string;
  readonly jwe: string;
}

export const recordedServiceKeys: readonly RecordedServiceKey[] = readVectorJson('service-keys/private-keys.json');

export function recordedRows(): Insertable<PrivateKeysTable>[] {
  return recordedServiceKeys.map((key) => ({
    key_id: key.keyId,
    encryption_alg: key.encryptionAlg,
    keywrap_alg: key.keywrapAlg,
    algorithm: key.algorithm,
    passphrase_alias: key.alias,
    public: decodeBase64(key.public),
    private: encodeUtf8(key.jwe),
    gun: key.gun,
    role: key.role,
    last_used: key.lastUsed,
  }));
}
