// SPDX-License-Identifier: Apache-2.0
import { DerTag, encodeDer } from '../encoding/index.ts';

/** Big-endian bytes of any length as a DER integer that is not negative. */
export function encodeUnsigned(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = bytes.subarray(first < 0 ? bytes.length - 1 : first);
  const sign = (digits[0] ?? 0) >= 0x80 ? [Uint8Array.of(0)] : [];
  return encodeDer(DerTag.integer, ...sign, digits);
}
