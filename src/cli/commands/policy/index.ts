// SPDX-License-Identifier: Apache-2.0

/**
 * `hallmark policy …`: which images need which trust, for every enforcement point. Only command lines are read here: what a
 * policy means is decided in `src/policy`.
 *
 *     addPolicyCommands(program, globals);
 *     await program.parseAsync(['policy', 'explain', 'registry.example.com/acme/app:1']);
 */
import { type Command, Option } from 'commander';
import type { CommandContext } from '../../context.ts';

export function addPolicyCommands(program: Command, globals: () => CommandContext): void {
  const policy = program.command('policy').description('say which images need which trust, everywhere it is enforced');
  policy
    .command('check <file>')
    .description('say whether a policy can be used, and what weakens it')
    .action(async (file) => (await import('./check.ts')).check(globals(), file));
  policy
    .command('explain <reference>')
    .description('decide about an image as every enforcement point would, and say why; exit code 3 if it is denied')
    .action(async (reference) => (await import('./explain.ts')).explain(globals(), reference));
  policy
    .command('schema')
    .description('print the JSON schema of policy files')
    .action(async () => (await import('./check.ts')).schema(globals()));
  policy
    .command('convert <file>')
    .description("print a policy made of Connaisseur's values or of Portieris' policies")
    .addOption(
      new Option('--from <program>', 'whose file it is').choices(['connaisseur', 'portieris']).makeOptionMandatory(),
    )
    .action(async (file, options) => (await import('./convert.ts')).convert(globals(), file, options));
}
