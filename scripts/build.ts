// SPDX-License-Identifier: Apache-2.0
/**
 * Builds `dist/hallmark`, one file that needs no runtime, `dist/lib`, the library as plain ES modules, and `dist/man` and
 * `dist/completions` for whoever packages it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { $ } from 'bun';
import manifest from '../package.json' with { type: 'json' };
import { completionScript, manPages, programModel, SHELLS } from '../src/cli/reference/index.ts';

await $`rm -rf dist`;
await $`tsc -p tsconfig.lib.json`;
// S35: where the program is run says nothing of what it does; the runtime would take variables and code from there
const sealed = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
// most commands end before compiled code has paid for itself; what stays asks for it (bin/hallmark.ts)
const patient = ['--compile-jit-policy=20'];
// chunks are loaded when they are needed, so that a short command starts fast
await $`bun build --compile ${sealed} ${patient} --minify --bytecode --format=esm --splitting bin/hallmark.ts --outfile dist/hallmark`;
for (const name of ['docker-trust', 'notary', 'notary-server', 'notary-signer', 'hallmark-image-verifier'])
  await $`ln -sf hallmark dist/${name}`;

const program = await programModel();
for (const directory of ['man', 'completions']) mkdirSync(`dist/${directory}`, { recursive: true });
for (const [name, page] of manPages(program, manifest.version)) writeFileSync(`dist/man/${name}`, page);
for (const shell of SHELLS) writeFileSync(`dist/completions/hallmark.${shell}`, completionScript(shell, program));
