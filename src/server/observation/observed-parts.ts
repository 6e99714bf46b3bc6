// SPDX-License-Identifier: Apache-2.0
import { type Around, observedCalls, traced } from '../../service/index.ts';
import type { ServiceKeys } from '../../signing/service-keys/index.ts';
import { ConflictError, type MetadataStorage, STORAGE_CALLS } from '../storage/index.ts';
import { type CallResult, SIGNER_CALLS, type TrustMetrics } from './trust-metrics.ts';

type Meter = (labels: { readonly call: string; readonly result: CallResult }, milliseconds: number) => void;

/** Storage whose calls are timed and traced; it belongs below the cache, so that warm reads do not pass here. */
export function observedStorage<Storage extends MetadataStorage>(
  storage: Storage,
  metrics: Pick<TrustMetrics, 'storageCall'>,
): Storage {
  return observedCalls(
    storage,
    STORAGE_CALLS as readonly (keyof Storage & string)[],
    around('storage', metrics.storageCall),
  );
}

/** Keys whose calls, and the signatures that they make, are timed and traced. */
export function observedKeys<Keys extends ServiceKeys>(keys: Keys, metrics: Pick<TrustMetrics, 'signerCall'>): Keys {
  const observe = around('signer', metrics.signerCall);
  return observedCalls(keys, SIGNER_CALLS as (keyof Keys & string)[], async (call, work) => {
    const result = await observe(call, work);
    const found = result as Awaited<ReturnType<ServiceKeys['signer']>> | typeof result;
    return call === 'signer' && isSigner(found) ? (observedCalls(found, ['sign'], observe) as typeof result) : result;
  });
}

function isSigner(value: unknown): value is { sign(message: Uint8Array): Promise<Uint8Array> } {
  return typeof value === 'object' && value !== null && 'sign' in value;
}

function around(part: string, meter: Meter): Around {
  return async (call, work) => {
    const start = performance.now();
    let result: CallResult = 'error';
    try {
      const value = await traced(`${part} ${call}`, {}, work);
      result = 'ok';
      return value;
    } catch (error) {
      if (error instanceof ConflictError) result = 'conflict';
      throw error;
    } finally {
      meter({ call, result }, performance.now() - start);
    }
  };
}
