// SPDX-License-Identifier: Apache-2.0
import type { Generated } from 'kysely';
import type { Schema } from '../../service/database/index.ts';
import { MYSQL_STEPS } from './migrations/mysql.ts';
import { POSTGRES_STEPS } from './migrations/postgres.ts';
import { SQLITE_STEPS } from './migrations/sqlite.ts';

/**
 * Notary's own tables (reference 7.1), so that its database can be taken over and given back, and ours, which it never
 * looks at. Times are UTC text.
 */
export interface MetadataTables {
  tuf_files: {
    id: Generated<number>;
    created_at: string | null;
    updated_at: string | null;
    deleted_at: string | null;
    gun: string;
    role: string;
    version: number;
    data: Uint8Array;
    sha256: string | null;
  };
  change_category: { category: string };
  changefeed: {
    id: Generated<number>;
    created_at: string | null;
    gun: string;
    version: number;
    sha256: string | null;
    category: string;
  };
  /** Only ever appended to. */
  hallmark_audit: {
    id: Generated<number>;
    at: string;
    actor: string;
    address: string | null;
    request_id: string | null;
    action: string;
    gun: string | null;
    /** JSON */
    detail: string;
  };
  /** One row for each role: its current file. */
  hallmark_expiry: {
    gun: string;
    role: string;
    version: number;
    /** NULL for a file that cannot be read. */
    expires_at: string | null;
  };
}

export const METADATA_SCHEMA: Schema = {
  purpose: 'the trust server',
  table: 'hallmark_metadata_migration',
  steps: { sqlite: SQLITE_STEPS, postgres: POSTGRES_STEPS, mysql: MYSQL_STEPS },
  // a database that Notary itself has not brought to its newest schema lacks some of these
  probe: `select files.created_at, updated_at, deleted_at, files.gun, role, data, files.sha256, category
    from tuf_files files, changefeed changes where files.id = changes.id and 1 = 0`,
};
