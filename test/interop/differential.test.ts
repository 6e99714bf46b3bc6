// SPDX-License-Identifier: Apache-2.0
import { describe, expect } from 'bun:test';
import { runCampaign } from '../differential/campaign.ts';
import { render } from '../differential/report.ts';
import { promise } from './support/journal.ts';

/** The same cases each time; `npm run test:differential` draws others. */
const SEED = 20_261_125;

describe('the original client and ours judge the same repositories', () => {
  promise('alike, but for the differences that docs/compatibility.md gives a reason for', async () => {
    const report = await runCampaign({ seed: SEED, count: 200 });

    expect(render(report, false)).toMatchObject({ sound: true });
    expect(report.bothTrust).toBeGreaterThan(20);
    expect(report.bothRefuse).toBeGreaterThan(70);
  });
});
