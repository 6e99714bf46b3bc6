// SPDX-License-Identifier: Apache-2.0
/** Parts that every service's own YAML has. Paths are of files; what they hold is read when the service starts. */
import { z } from 'zod';
import { LOG_LEVELS } from '../log.ts';
import { translatedBy } from './translation.ts';
import { address, filePath } from './values.ts';

/** Where rows are kept. */
export type StorageSettings =
  | { readonly engine: 'memory' }
  | { readonly engine: 'sqlite'; readonly file: string }
  | {
      readonly engine: 'postgres' | 'mysql';
      readonly url: string;
      readonly passwordFile?: string | undefined;
      readonly tls?: { readonly [name in keyof TlsPaths]?: string | undefined } | undefined;
      readonly poolSize?: number | undefined;
    };

export interface TlsPaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** How a service shows itself, and of whom it takes certificates. */
export interface ServerTlsPaths {
  readonly cert: string;
  readonly key: string;
  /** Clients need a certificate that one of these authorities issued. */
  readonly clientCa?: string | undefined;
}

const MAX_POOL = 1000;

const storage = z.strictObject({
  engine: z.enum(['memory', 'sqlite', 'postgres', 'mysql']),
  file: filePath().optional().meta({ format: 'path', description: 'of the engine sqlite' }),
  url: z.string().min(1).optional().meta({ description: 'postgres://… or mysql://…' }),
  passwordFile: filePath().optional(),
  tls: z.strictObject({ ca: filePath(), cert: filePath(), key: filePath() }).partial().optional(),
  poolSize: z.int().min(1).max(MAX_POOL).optional(),
});

/** `storage: { engine: postgres, url: …, passwordFile: … }` */
export const storageSection = () =>
  translatedBy(storage, (given, refuse): StorageSettings | undefined => {
    const misplaced = (keys: readonly (keyof typeof given)[], why: string) => {
      for (const key of keys) if (given[key] !== undefined) refuse([key], why);
    };
    const { engine, file, url } = given;
    if (engine === 'memory' || engine === 'sqlite') {
      misplaced(['url', 'passwordFile', 'tls', 'poolSize'], `is not for engine ${engine}`);
      if (engine === 'memory') {
        misplaced(['file'], 'is not for engine memory');
        return { engine };
      }
      if (file !== undefined) return { engine, file };
      refuse(['file'], 'is missing');
      return undefined;
    }
    misplaced(['file'], `is not for engine ${engine}`);
    if ((given.tls?.cert === undefined) !== (given.tls?.key === undefined)) {
      refuse(['tls'], 'cert and key belong together');
    }
    if (url === undefined) {
      refuse(['url'], 'is missing');
      return undefined;
    }
    return { ...given, engine, url };
  });

export const serverTlsSection = () =>
  z.strictObject({
    cert: filePath(),
    key: filePath(),
    clientCa: filePath()
      .optional()
      .meta({ format: 'path', description: 'clients need a certificate of this authority' }),
  });

export const clientTlsSection = () => z.strictObject({ ca: filePath(), cert: filePath(), key: filePath() });

/** `operations: { listen: 127.0.0.1:9443 }`: a listener of its own, since what it tells is not for everybody. */
export const operationsSection = () =>
  z.strictObject({ listen: address() }).optional().meta({ description: '/live, /ready and /metrics, in plain HTTP' });

export const loggingSection = () => z.strictObject({ level: z.enum(LOG_LEVELS).default('info') }).prefault({});
