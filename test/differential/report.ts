// SPDX-License-Identifier: Apache-2.0
import type { Disagreement, Report } from './campaign.ts';
import type { Verdict } from './judges.ts';

/** What a campaign found, in words. It is sound if every disagreement is a documented difference. */
export function render(report: Report, verbose: boolean): { readonly text: string; readonly sound: boolean } {
  const { disagreements } = report;
  const unexplained = disagreements.filter(({ difference }) => difference === undefined);
  const names = new Map<string, number>();
  for (const { difference } of disagreements)
    if (difference !== undefined) names.set(difference.name, (names.get(difference.name) ?? 0) + 1);
  const lines = [
    ...(verbose ? disagreements : unexplained).map(describe),
    ...[...names].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${String(count).padStart(6)}  ${name}`),
    `${report.cases} repositories: ${report.bothTrust} trusted alike, ${report.bothRefuse} refused by both, ` +
      `${disagreements.length - unexplained.length} documented differences, ${unexplained.length} unexplained`,
  ];
  return { text: `${lines.join('\n')}\n`, sound: unexplained.length === 0 };
}

function describe({ case: number, start, labels, ours, original, difference }: Disagreement): string {
  return [
    `case ${number} (${start}): ${labels.join('; ')}${difference === undefined ? '' : ` [${difference.name}]`}`,
    `    ours:     ${verdict(ours, original)}`,
    `    original: ${verdict(original, ours)}`,
  ].join('\n');
}

function verdict(one: Verdict, other: Verdict): string {
  if ('refused' in one) return `refuses: ${one.refused.slice(0, 300)}`;
  const alike = 'trusted' in other ? other.trusted : [];
  const only = one.trusted.filter((row) => !alike.includes(row));
  return 'trusted' in other ? `trusts, alone: ${only.join(' | ')}` : `trusts ${one.trusted.length} targets`;
}
