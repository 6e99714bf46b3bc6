// SPDX-License-Identifier: Apache-2.0

/** What a program's end means to a script: 3 is "not trusted", and nothing else. */
export const ExitCode = { done: 0, failed: 1, usage: 2, notTrusted: 3 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
