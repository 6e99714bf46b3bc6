// SPDX-License-Identifier: Apache-2.0
/**
 * The one view of a repository's trust behind command line, console and gateway. It is made from verified metadata only,
 * and decides nothing.
 *
 *     const report = trustReport(gun, repository.targets);
 *     report.tags[0]?.signers;                           // ['alice', 'bob']
 */
export { hierarchyMermaid } from './hierarchy-mermaid.ts';
export { HIERARCHY_STYLE, hierarchySvg } from './hierarchy-svg.ts';
export { hierarchyTree } from './hierarchy-tree.ts';
export { type Standing, standingOf } from './hierarchy-words.ts';
export * from './key-hierarchy.ts';
export * from './trust-report.ts';
