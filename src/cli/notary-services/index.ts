// SPDX-License-Identifier: Apache-2.0
/**
 * The faces `notary-server` and `notary-signer`: the originals' flags, configuration files, log lines and exit codes.
 * They only read the command line; what runs is what `hallmark server` and `hallmark signer` run.
 *
 *     await runNotaryService('notary-server', ['-config', 'server-config.json'], io);
 */
export { runNotaryService } from './run.ts';
