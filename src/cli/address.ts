// SPDX-License-Identifier: Apache-2.0
import { type Address, parseAddress } from '../service/index.ts';
import { UsageError } from './usage-error.ts';

/** Where a service listens, as an option says: `127.0.0.1:4443`, `[::1]:4443`, `:4443`. @throws UsageError */
export function listenAddress(text: string, option: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new UsageError(`${option}: ${text} is no HOST:PORT`);
  return address;
}
