// SPDX-License-Identifier: Apache-2.0
import { toldUnavailable } from '../../service/database/index.ts';
import { observedCalls } from '../../service/index.ts';
import {
  ConflictError,
  type MetadataStorage,
  OutcomeUnknownError,
  STORAGE_CALLS,
  UnstorableNameError,
} from './metadata-storage.ts';

/** Storage on a server, which may be away: then it rejects with DatabaseUnavailableError. */
export function tellingWhenAway(storage: MetadataStorage): MetadataStorage {
  return observedCalls(storage, STORAGE_CALLS, async (_call, work) => {
    try {
      return await work();
    } catch (error) {
      // a verdict says what became of the work, and the name in its words may be `timeout`
      throw isVerdict(error) ? error : toldUnavailable(error);
    }
  });
}

function isVerdict(error: unknown): boolean {
  return error instanceof ConflictError || error instanceof OutcomeUnknownError || error instanceof UnstorableNameError;
}
