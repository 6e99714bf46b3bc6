// SPDX-License-Identifier: Apache-2.0
/** Builds `dist/hallmark`, one file that needs no runtime, and `dist/lib`, the library as plain ES modules. */
import { $ } from 'bun';

await $`rm -rf dist`;
await $`tsc -p tsconfig.lib.json`;
// chunks are loaded when they are needed, so that a short command starts fast
await $`bun build --compile --minify --bytecode --format=esm --splitting bin/hallmark.ts --outfile dist/hallmark`;
for (const name of ['docker-trust', 'notary']) await $`ln -sf hallmark dist/${name}`;
