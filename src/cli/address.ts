// SPDX-License-Identifier: Apache-2.0
import { UsageError } from './usage-error.ts';

/** Where a service listens. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** `127.0.0.1:4443`, `[::1]:4443`, `localhost:4443`. @throws UsageError */
export function parseAddress(text: string, option: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  if (hostname === undefined || Number(port) > 65_535) throw new UsageError(`${option}: ${text} is no HOST:PORT`);
  return { hostname, port: Number(port) };
}
