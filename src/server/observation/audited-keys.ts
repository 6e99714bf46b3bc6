// SPDX-License-Identifier: Apache-2.0
import { currentRequest, withCalls } from '../../service/index.ts';
import type { ServiceKeys } from '../../signing/service-keys/index.ts';
import { canonicalKeyId, type KeyId } from '../../tuf/index.ts';
import type { AuditEntry } from '../storage/index.ts';
import { actorNow } from './actor-now.ts';

/** Asking again gives the same key until it is used: that is no news. */
const MAX_KNOWN = 10_000;

/** Keys that record each key that they make before they give it out: `key-rotate` where a client asked for a new one. */
export function auditedKeys<Keys extends ServiceKeys>(
  keys: Keys,
  record: (entry: AuditEntry) => Promise<void>,
  clock: () => Date,
): Keys {
  const known = new Set<KeyId>();
  const audited: ServiceKeys['create'] = async (gun, role, algorithm) => {
    const made = await keys.create(gun, role, algorithm);
    const key = canonicalKeyId(made);
    if (known.has(key)) return made;
    const action = currentRequest()?.route === 'RotateKey' ? 'key-rotate' : 'key-create';
    await record({ at: clock(), actor: actorNow(), action, gun, detail: { role, key } });
    const [oldest] = known;
    if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    known.add(key);
    return made;
  };
  return withCalls<Keys>(keys, { create: audited } as Partial<Keys>);
}
