// SPDX-License-Identifier: Apache-2.0
/**
 * The command line described: reference page, manual pages and completions, all from the commands themselves, so that none
 * of them can say what the program does not do.
 *
 *     writeFileSync('docs/commands.md', commandReference(await programModel()));
 */

export type { CommandModel } from './command-model.ts';
export { completionScript, SHELLS } from './completions.ts';
export { manPages } from './man.ts';
export { commandReference } from './markdown.ts';
export { programModel } from './program-model.ts';
