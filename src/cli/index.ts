// SPDX-License-Identifier: Apache-2.0
/**
 * The command line: one file a command, each a thin shell over the folders that do the work. Only here are streams,
 * environment and exit codes known, and nothing here decides about trust.
 *
 *     process.exitCode = await runProgram('hallmark', ['verify', 'alpine:3'], io);
 */
export type { Io, Output } from './io.ts';
export { runProgram } from './programs.ts';
