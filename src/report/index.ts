// SPDX-License-Identifier: Apache-2.0
/**
 * The one view of a repository's trust behind command line, console and gateway. It is made from verified metadata only,
 * and decides nothing.
 *
 *     const report = trustReport(gun, repository.targets);
 *     report.tags[0]?.signers;                           // ['alice', 'bob']
 */
export * from './trust-report.ts';
