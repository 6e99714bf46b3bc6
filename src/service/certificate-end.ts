// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import type { Log } from './log.ts';

const DAY_MILLISECONDS = 86_400_000;
const SOON_MILLISECONDS = 30 * DAY_MILLISECONDS;

/** The end of the first certificate of a chain, PEM. */
export function endOf({ cert }: { readonly cert: string }): Date {
  return new X509Certificate(cert).validToDate;
}

/** Whether that is a month away at most: time to renew. */
export function endsSoon(end: Date, now: Date): boolean {
  return end.getTime() - now.getTime() <= SOON_MILLISECONDS;
}

/** Says of a certificate in use that it ends soon: when it is first seen so, and then once a day. */
export class EndReminder {
  readonly #log: Log;
  readonly #clock: () => Date;
  #told: { readonly cert: string; readonly at: number } | undefined;

  constructor(log: Log, clock: () => Date) {
    this.#log = log;
    this.#clock = clock;
  }

  look({ cert }: { readonly cert: string }): void {
    const now = this.#clock();
    const end = endOf({ cert });
    if (!endsSoon(end, now)) return;
    if (this.#told?.cert === cert && now.getTime() - this.#told.at < DAY_MILLISECONDS) return;
    this.#told = { cert, at: now.getTime() };
    const { subject } = new X509Certificate(cert);
    const fields = { subject: subject?.replaceAll('\n', ', '), expires: end.toISOString() };
    this.#log.warn(fields, 'the TLS certificate in use ends soon: renew it');
  }
}
