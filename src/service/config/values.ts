// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** Where to listen, or whom to call. */
export interface Address {
  /** A name or an IP address, without brackets. */
  readonly hostname: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** A file, made absolute from the directory of the configuration. */
export const filePath = () => z.string().min(1, 'names no file').meta({ format: 'path' });

const ADDRESS = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s]*)):(\d{1,5})$/;

/** `HOST:PORT`, `[::1]:PORT`, and `:PORT` for every address of the machine. */
export function parseAddress(text: string): Address | undefined {
  const [, bracketed, plain, port] = ADDRESS.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) return undefined;
  return { hostname: (bracketed ?? plain) || '0.0.0.0', port: Number(port) };
}

export const address = (message = 'is no HOST:PORT') =>
  z.string().transform((text, context): Address => {
    const parsed = parseAddress(text);
    if (parsed !== undefined) return parsed;
    context.addIssue(message);
    return z.NEVER;
  });

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A span such as `90s`, `15m`, `12h`, `30d`, in seconds. */
export const span = () =>
  z.string().transform((text, context): number => {
    const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
    if (amount !== undefined) return Number(amount) * (SECONDS[unit] ?? 1);
    context.addIssue('is no span such as 90s, 15m, 12h or 30d');
    return z.NEVER;
  });

const BYTES: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** A size such as `512KiB`, `64MiB`, `1GiB`, in bytes. */
export const size = () =>
  z.string().transform((text, context): number => {
    const [, amount, unit = ''] = /^(\d{1,6})(KiB|MiB|GiB)$/.exec(text) ?? [];
    if (amount !== undefined) return Number(amount) * (BYTES[unit] ?? 1);
    context.addIssue('is no size such as 512KiB, 64MiB or 1GiB');
    return z.NEVER;
  });
