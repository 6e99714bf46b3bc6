// SPDX-License-Identifier: Apache-2.0
import {
  choosePin,
  DirectoryHighWaterMarks,
  DirectoryMetadataCache,
  type Pins,
  trustPinning,
} from '../../../client/index.ts';
import { type Gun, notaryV1, ROOT, TrustedRoot } from '../../../tuf/index.ts';

/** Whether the root that is trusted for `gun` now, if any, is one that these pins admit. */
export function admitsTrusted(trustDirectory: string, pins: Pins, gun: Gun, now: Date): boolean {
  const file = new DirectoryMetadataCache(trustDirectory).load(gun, ROOT);
  if (file === undefined) return true;
  const { signed } = TrustedRoot.load(file, { dialect: notaryV1, gun, now, marks: new Map() });
  const pin = choosePin(trustPinning(trustDirectory, pins), gun, now);
  const { keyIds = [] } = signed.roles.get('root') ?? {};
  return keyIds.some((id) => {
    const key = signed.keys.get(id);
    return key !== undefined && pin.admits(key);
  });
}

/** Drops everything that is trusted for `gun`: the next use is a first use again, under the pins. */
export function forgetTrust(trustDirectory: string, gun: Gun): void {
  new DirectoryMetadataCache(trustDirectory).remove(gun);
  new DirectoryHighWaterMarks(trustDirectory).forget(gun);
}
