// SPDX-License-Identifier: Apache-2.0
import { checkManagement, type Edit, roleKeyIds, rotateRole, type SigningKeys } from '../../../publisher/index.ts';
import {
  canonicalKeyId,
  isDelegationName,
  MetadataError,
  type PublicKey,
  type Root,
  type TopLevelRole,
} from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import type { Io } from '../../io.ts';
import { jsonText } from '../../json-text.ts';
import { warnOfNewRootKey } from '../../prompts.ts';
import type { Session } from '../../session.ts';
import { UsageError } from '../../usage-error.ts';
import { stageTo } from '../staging/stage.ts';
import { openRepository } from './repository.ts';
import { checkRootKeys, keysFor, type PublisherRole } from './role-keys.ts';
import { rotateTogether } from './rotate-together.ts';
import { checkRootSigners, type RotateOptions, type Rotation, removeReplaced } from './rotation-keys.ts';
import { strongPassphrases } from './strong-passphrases.ts';

/**
 * `hallmark key rotate`: other keys for a role, published at once and with nothing else (reference 5.7). Several roles at
 * once are those that go to another server together.
 */
export async function rotateKeys(
  context: CommandContext,
  text: string,
  roles: readonly string[],
  options: RotateOptions,
): Promise<void> {
  const [roleText = '', ...others] = roles;
  if (others.length > 0) return rotateTogether(context, text, roles, options);
  const { io, globals } = context;
  const role = roleOf(roleText, options);
  const threshold = thresholdOf(options.threshold);
  const { session, root } = await openRepository(context, text, role === 'timestamp');
  const keys = { store: session.keys.store, passphrases: strongPassphrases(session.keys.passphrases) };
  // what is staged is signed by others too, on their machines
  if (options.stage === undefined) await checkRootSigners(session, root);
  if (!isServerManaged(role, options)) checkThreshold(role, root, options.key?.length ?? 1, threshold);
  const next = isServerManaged(role, options)
    ? [await session.trustServer('*').rotateKey(session.gun, role as 'snapshot' | 'timestamp')]
    : await ownKeys(context, session, keys, role as PublisherRole, options.key ?? []);
  const rotation = await publishRotation(context, session, role, next, threshold, options.stage);
  if (options.stage !== undefined) return;
  const removed = options.keepOld === true ? [] : await removeReplaced(keys, session, role, rotation);
  const answer = {
    gun: session.gun,
    role,
    keyIds: rotation.after,
    threshold: rotation.threshold,
    serverManaged: isServerManaged(role, options),
    rootVersion: rotation.rootVersion,
    removed,
  };
  if (globals.json) io.stdout.write(jsonText(answer));
  else io.stdout.write(`Successfully rotated ${role} key for repository ${session.gun}\n`);
  for (const keyId of removed) io.stderr.write(`removed the replaced ${role} key ${keyId} from this machine\n`);
}

/** @throws UsageError a role that cannot be rotated so, in Notary's words */
function roleOf(role: string, options: RotateOptions): TopLevelRole {
  if (isDelegationName(role))
    throw new UsageError(`${role} is a delegation: give it other keys with hallmark delegation add and remove`);
  try {
    // without a word the timestamp is the server's, since it can be nobody else's
    checkManagement(role, isServerManaged(role, options));
  } catch (error) {
    if (error instanceof MetadataError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
  if (isServerManaged(role, options) && (options.key !== undefined || options.threshold !== undefined))
    throw new UsageError('a server has one key of its own choice: --key and --threshold are for your own');
  return role as TopLevelRole;
}

function isServerManaged(role: string, { serverManaged, key }: RotateOptions): boolean {
  return serverManaged === true || (role === 'timestamp' && key === undefined);
}

function thresholdOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new UsageError(`--threshold: ${text} is no number of keys`);
  return Number(text);
}

function ownKeys(
  context: CommandContext,
  session: Session,
  keys: SigningKeys,
  role: PublisherRole,
  given: readonly string[],
): Promise<readonly PublicKey[]> {
  if (role === 'root' && given.length === 0) warnOfNewRootKey(context.io);
  return keysFor(context, keys, role, session.gun, given);
}

async function publishRotation(
  context: CommandContext,
  session: Session,
  role: TopLevelRole,
  keys: readonly PublicKey[],
  threshold: number | undefined,
  stage: string | undefined,
): Promise<Rotation> {
  const { io } = context;
  let rotation: Rotation = { before: [], after: [], threshold: 0, rootVersion: 0 };
  try {
    const edit: Edit = (draft, now) => {
      const before = roleKeyIds(draft.root, role);
      rotateRole(draft, role, now, { keys, ...(threshold === undefined ? {} : { threshold }) });
      if (role === 'root') checkRootKeys(draft.root, session.gun, now);
      const { threshold: reached = 1 } = draft.root.roles.get(role) ?? {};
      rotation = { before, after: roleKeyIds(draft.root, role), threshold: reached, rootVersion: draft.root.version };
    };
    if (stage === undefined) await session.publisher(undefined, role === 'timestamp').publish(edit);
    else await stageTo(context, session, stage, edit);
  } catch (error) {
    await tellKeptKeys(io, session, role, keys);
    throw error;
  }
  return rotation;
}

/** New keys stay when publishing fails: the server may have taken them before its answer was lost. */
async function tellKeptKeys(
  io: Io,
  { keys: { store } }: Session,
  role: TopLevelRole,
  keys: readonly PublicKey[],
): Promise<void> {
  if (role === 'timestamp') return;
  const stored = new Set((await store.list()).keys.map(({ keyId }) => keyId));
  // those of others and of the server are no keys of ours
  const kept = keys.map(canonicalKeyId).filter((keyId) => stored.has(keyId));
  if (kept.length === 0) return;
  const options = kept.map((keyId) => `--key ${keyId.slice(0, 12)}`);
  io.stderr.write(`The keys for the rotation are kept; to go on with them, add ${options.join(' ')}\n`);
}

/** A role that needs several signatures must not come to need fewer unless somebody says so. */
function checkThreshold(role: TopLevelRole, root: Root, count: number, wanted: number | undefined): void {
  const current = root.roles.get(role)?.threshold ?? 1;
  if (wanted !== undefined && wanted > count)
    throw new UsageError(
      `--threshold ${wanted}: ${role} cannot need more signatures than it has keys, and ${count} are given`,
    );
  if (wanted !== undefined || count >= current) return;
  throw new UsageError(
    `${role} needs ${current} signatures, and keys given are ${count}: give more with --key, or say --threshold ${count}`,
  );
}
