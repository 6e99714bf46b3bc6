// SPDX-License-Identifier: Apache-2.0
import type { TrustedRepository } from '../../../client/index.ts';
import { allDelegations, canonicalIdOf, type Delegation, parentRole } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { parseRepository } from '../../repository-name.ts';
import { table } from '../../table.ts';
import { pathText } from '../staging/staged-words.ts';

/** `hallmark delegation list`: every delegation, and whether its own file is trusted. */
export async function list({ io, globals, view }: CommandContext, repository: string): Promise<void> {
  const session = view(parseRepository(repository));
  const trusted = await session.refresh();
  const rows = allDelegations(trusted.targets.roles).map((delegation) => stateOf(trusted, delegation));
  if (globals.json) {
    io.stdout.write(jsonText({ gun: session.gun, delegations: rows }));
    return;
  }
  if (rows.length === 0) {
    io.stdout.write(`No delegations in ${session.gun}\n`);
    return;
  }
  const head = ['ROLE', 'NEEDS', 'STATE', 'PATHS', 'KEY IDS'];
  const lines = rows.flatMap(({ role, threshold, state, paths, keys }) =>
    rowLines([role, `${threshold} of ${keys.length}`, state, paths.map(pathText).join(', ') || '(none)'], keys),
  );
  io.stdout.write(table([head, ...lines]));
}

/** One line a key, the role's own columns on the first. */
function rowLines(columns: readonly string[], keys: readonly string[]): readonly (readonly string[])[] {
  const [first = '(none)', ...others] = keys;
  return [[...columns, first], ...others.map((key) => [...columns.map(() => ''), key])];
}

function stateOf({ targets, refused }: TrustedRepository, { name, keyIds, threshold, paths }: Delegation) {
  const listed = targets.roles.get(parentRole(name))?.signed.delegations.keys;
  const keys = keyIds.flatMap((id) => canonicalIdOf(listed?.get(id)) ?? []);
  const file = targets.roles.get(name);
  const code = refused.get(name)?.error.code;
  const state = file === undefined ? (code ?? 'unsigned') : `version ${file.signed.version}`;
  const expires = file?.signed.expires.toISOString() ?? null;
  return { role: name, threshold, keys: [...new Set(keys)], paths, state, expires };
}
