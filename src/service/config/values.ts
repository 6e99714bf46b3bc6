// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Address, parseAddress } from '../address.ts';

/** A file, made absolute from the directory of the configuration. */
export const filePath = () => z.string().min(1, 'names no file').meta({ format: 'path' });

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
