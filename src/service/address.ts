// SPDX-License-Identifier: Apache-2.0

/** Where to listen, or whom to call. */
export interface Address {
  /** A name or an IP address, without brackets. */
  readonly hostname: string;
  /** 0 for any free port. */
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s]*)):(\d{1,5})$/;

/** `HOST:PORT`, `[::1]:PORT`, and `:PORT` for every address of the machine; undefined for what is none. */
export function parseAddress(text: string): Address | undefined {
  const [, bracketed, plain, port] = ADDRESS.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) return undefined;
  return { hostname: (bracketed ?? plain) || '0.0.0.0', port: Number(port) };
}
