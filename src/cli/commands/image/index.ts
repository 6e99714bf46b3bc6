// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { collect } from '../../collect.ts';
import type { CommandContext } from '../../context.ts';

/** Images and the trust in them. */
export function addImageCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('pull <reference>')
    .description('pull what was signed for a tag, by its digest')
    .option('-a, --all-tags', 'pull every signed tag of the repository')
    .option('--platform <os/arch[/variant]>', 'which image of a multi-platform one')
    .option('--output <where>', 'engine, oci:DIR or docker-archive:FILE', 'engine')
    .option('-q, --quiet', 'no progress')
    .option('--disable-content-trust', 'pull by tag, unverified')
    .action(async (reference, options) => (await import('./pull.ts')).pull(globals(), reference, options));
  program
    .command('push <reference>')
    .description('push an image and sign its tag')
    .option('--from <where>', 'engine, oci:DIR or docker-archive:FILE', 'engine')
    .option('--platform <os/arch[/variant]>', 'which image of a multi-platform one')
    .option('-q, --quiet', 'no progress')
    .option('--disable-content-trust', 'push without signing')
    .option('--stage <file>', 'push the image, and write its signed tag into a new file for others to sign')
    .action(async (reference, options) => (await import('./push.ts')).push(globals(), reference, options));
  addTrustCommands(program, globals);
}

function addTrustCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('verify <reference>')
    .description('print the digest that was signed for a tag; exit code 3 if it is not trusted')
    .action(async (reference) => (await import('./verify.ts')).verify(globals(), reference));
  program
    .command('inspect <reference...>')
    .description('show who signed what in a repository')
    .option('--pretty', 'for people rather than programs')
    .option('--tree', 'show who delegates to whom, with which keys and until when')
    .option('--graph <svg|mermaid>', 'the same as a picture')
    .action(async (references, options) => (await import('./inspect.ts')).inspect(globals(), references, options));
  program
    .command('sign <reference>')
    .description('sign what a registry serves under a tag, or NAME:TAG@DIGEST')
    .option('--role <role>', 'sign into this role; repeatable (default: as Docker chooses)', collect)
    .option('--stage <file>', 'write the signed change into a new file for others to sign, and publish nothing')
    .action(async (reference, options) => (await import('./sign.ts')).sign(globals(), reference, options));
  program
    .command('revoke <reference>')
    .description('take away the signatures of a tag, or of a whole repository')
    .option('-y, --yes', 'do not ask for confirmation')
    .option('--stage <file>', 'write the signed change into a new file for others to sign, and publish nothing')
    .action(async (reference, options) => (await import('./revoke.ts')).revoke(globals(), reference, options));
}
