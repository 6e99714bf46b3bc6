// SPDX-License-Identifier: Apache-2.0
import { type Edit, roleKeyIds, rotateRole } from '../../../publisher/index.ts';
import type { KeyId, PublicKey } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { UsageError } from '../../usage-error.ts';
import { openRepository } from './repository.ts';
import { checkRootSigners, type RotateOptions, type Rotation, removeReplaced } from './rotation-keys.ts';

type ServerRole = 'timestamp' | 'snapshot';

/**
 * Gives timestamp and snapshot to the server in one new root. A server that holds neither key, as after an import, can
 * take neither alone: it signs the other one too before it stores anything.
 */
export async function rotateTogether(
  context: CommandContext,
  text: string,
  roles: readonly string[],
  options: RotateOptions,
): Promise<void> {
  const { io, globals } = context;
  const wanted = serverRoles(roles, options);
  const { session, root } = await openRepository(context, text, true);
  await checkRootSigners(session, root);
  const server = session.trustServer('*');
  const keys = new Map<ServerRole, PublicKey>();
  for (const role of wanted) keys.set(role, await server.rotateKey(session.gun, role));
  const done = new Map<ServerRole, Rotation>();
  const edit: Edit = (draft, now) => {
    for (const [role, key] of keys) {
      const before = roleKeyIds(draft.root, role);
      rotateRole(draft, role, now, { keys: [key], threshold: 1 });
      const after = roleKeyIds(draft.root, role);
      done.set(role, { before, after, threshold: 1, rootVersion: draft.root.version });
    }
  };
  await session.publisher(undefined, true).publish(edit);
  const removed: KeyId[] = [];
  if (options.keepOld !== true)
    for (const [role, rotation] of done) removed.push(...(await removeReplaced(session.keys, session, role, rotation)));
  const answer = {
    gun: session.gun,
    roles: [...done].map(([role, { after }]) => ({ role, keyIds: after, threshold: 1, serverManaged: true })),
    rootVersion: [...done.values()].at(-1)?.rootVersion,
    removed,
  };
  if (globals.json) io.stdout.write(jsonText(answer));
  else io.stdout.write(`Successfully rotated ${wanted.join(' and ')} keys for repository ${session.gun}\n`);
  for (const keyId of removed) io.stderr.write(`removed the replaced key ${keyId} from this machine\n`);
}

function serverRoles(roles: readonly string[], options: RotateOptions): readonly ServerRole[] {
  const { key, threshold, stage } = options;
  const isServers = roles.every((role) => role === 'timestamp' || role === 'snapshot');
  if (!isServers || options.serverManaged !== true || new Set(roles).size !== roles.length)
    throw new UsageError('of several roles at once only timestamp and snapshot can be rotated, with --server-managed');
  if (key !== undefined || threshold !== undefined || stage !== undefined)
    throw new UsageError(
      'a server has one key of its own choice for each role: --key, --threshold and --stage do not fit',
    );
  return roles as readonly ServerRole[];
}
