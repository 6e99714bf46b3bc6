// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { endOf } from './certificate-end.ts';
import { SILENT_LOG } from './log.ts';
import { Metrics, measureCertificates } from './metrics/index.ts';
import { ensureOwnTls } from './own-authority.ts';
import type { TlsIdentity } from './tls-identity.ts';
import { type TlsWatch, watchTls } from './tls-watch.ts';

const DAY = 86_400_000;
const scratch = scratchDirectories();
const issued = async (at: Date) => (await ensureOwnTls(join(scratch(), 'tls'), [], at)).identity;
const made = new Date('2026-01-01T00:00:00Z');
const [old, fresh] = [await issued(made), await issued(new Date(made.getTime() + 300 * DAY))];

const watches: TlsWatch[] = [];
afterAll(() => Promise.all(watches.map((watch) => watch.stop())));

/** A watch over files that hold `inFiles`, so many days before the old certificate ends. */
function watched(daysLeft: number) {
  const told: object[] = [];
  const state = { daysLeft, inFiles: old as TlsIdentity | Error };
  const watch = watchTls({
    first: old,
    load: async () => {
      if (state.inFiles instanceof Error) throw state.inFiles;
      return state.inFiles;
    },
    use: () => {},
    log: { ...SILENT_LOG, warn: (fields: object, message) => void told.push({ ...fields, message }) },
    clock: () => new Date(endOf(old).getTime() - state.daysLeft * DAY),
    everyMs: 2 ** 30,
  });
  watches.push(watch);
  return { watch, told, state };
}

describe('a certificate that ends within a month', () => {
  test('is told when the service starts, with whose it is and when it ends', () => {
    expect(watched(31).told).toEqual([]);
    expect(watched(29).told).toEqual([
      {
        subject: expect.stringContaining('CN='),
        expires: endOf(old).toISOString(),
        message: 'the TLS certificate in use ends soon: renew it',
      },
    ]);
  });

  test('is told once a day, however often the files are looked at, broken ones too', async () => {
    const { watch, told, state } = watched(31);
    for (const daysLeft of [30.5, 30, 29.5, 29.01]) {
      state.daysLeft = daysLeft;
      await watch.look();
    }
    expect(told).toHaveLength(1);

    state.inFiles = new Error('half written');
    state.daysLeft = 29;
    await watch.look();
    await watch.look();

    expect(told).toHaveLength(2);
  });

  test('is told no more once another is in use, and the metric says when that one ends', async () => {
    const { watch, told, state } = watched(20);
    const metrics = new Metrics({ process: false });
    measureCertificates(metrics, { service: watch.expires });
    const line = ({ cert }: TlsIdentity) =>
      `hallmark_tls_certificate_expiry_timestamp_seconds{shown_to="clients"} ${endOf({ cert }).getTime() / 1000}\n`;
    expect(await metrics.text()).toContain(line(old));

    state.inFiles = fresh;
    await watch.look();
    state.daysLeft = 10;
    await watch.look();

    expect(told).toHaveLength(1);
    expect(await metrics.text()).toContain(line(fresh));
    expect(await metrics.text()).not.toContain('shown_to="signer"');
  });
});
