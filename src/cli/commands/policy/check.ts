// SPDX-License-Identifier: Apache-2.0
import { loadPolicy, PolicyError, policySchema } from '../../../policy/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';

/** `hallmark policy check FILE`: exit code 0 if the policy can be used; with --json what was found either way. */
export async function check({ io, globals }: CommandContext, file: string): Promise<void> {
  try {
    const { rules, warnings } = loadPolicy(file);
    for (const warning of warnings) io.stderr.write(`Warning: ${warning}\n`);
    const answer = {
      file,
      usable: true,
      rules: rules.map(({ name, mode, terms }) => ({ images: name, action: terms.kind, mode })),
      warnings,
    };
    if (globals.json) io.stdout.write(jsonText(answer));
    else
      io.stdout.write(
        `${file}: usable, ${rules.length - 1} ${rules.length === 2 ? 'pattern' : 'patterns'} and the default\n`,
      );
  } catch (error) {
    if (globals.json && error instanceof PolicyError)
      io.stdout.write(jsonText({ file, usable: false, findings: error.findings }));
    throw error;
  }
}

/** `hallmark policy schema` */
export async function schema({ io }: CommandContext): Promise<void> {
  io.stdout.write(jsonText(policySchema()));
}
