// SPDX-License-Identifier: Apache-2.0
import { stringify } from 'yaml';
import {
  type Convertible,
  convertPolicy,
  parsePolicy,
  parseYamlDocuments,
  readPolicyFile,
} from '../../../policy/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';

/** `hallmark policy convert --from PROGRAM FILE`: the policy on stdout, what could not be carried over on stderr. */
export async function convert(
  { io, globals }: CommandContext,
  file: string,
  { from }: { readonly from: Convertible },
): Promise<void> {
  const values = parseYamlDocuments(readPolicyFile(file), file).filter((value) => value !== null);
  const { document, notes } = convertPolicy(from, values.length === 1 ? values[0] : { items: values });
  const yaml = stringify(document, { lineWidth: 0 });
  for (const note of notes) io.stderr.write(`Note: ${note}\n`);
  if (globals.json) io.stdout.write(jsonText({ policy: document, notes }));
  else io.stdout.write(yaml);
  // what was made has to be usable as it stands; where it is not, that is told last
  for (const warning of parsePolicy(yaml, `policy made of ${file}`).warnings) io.stderr.write(`Warning: ${warning}\n`);
}
