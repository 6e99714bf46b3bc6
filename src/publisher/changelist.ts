// SPDX-License-Identifier: Apache-2.0
import {
  DecodeError,
  decodeBase64,
  decodeJsonObject,
  encodeBase64,
  encodeUtf8,
  htmlEscape,
} from '../encoding/index.ts';

export type ChangeAction = 'create' | 'update' | 'delete';
/** `role` is a change of the root's keys: Notary keeps it in memory alone, and no file may order one. */
export type ChangeType = 'target' | 'delegation' | 'witness' | 'role';

/** One change that is staged for the next publish, as Notary's file says it; nothing in it is believed (reference 5.1). */
export interface Change {
  readonly action: ChangeAction;
  /** The role concerned, `targets/*` for all delegations, or whatever a user wrote: it is judged on publishing. */
  readonly role: string;
  readonly type: ChangeType;
  /** Name of the target; empty for other changes. */
  readonly path: string;
  /** A JSON document whose form depends on type and action. */
  readonly data?: Uint8Array;
}

/**
 * Why staged changes cannot be had or carried out. `malformed`: a file is no change. `unsupported`: it orders what no
 * change may. `unknown-role` and `outside-paths`: the repository does not allow it. `io`: the directory failed.
 */
export type ChangelistErrorCode = 'malformed' | 'unsupported' | 'unknown-role' | 'outside-paths' | 'io';

export class ChangelistError extends Error {
  override readonly name = 'ChangelistError';
  readonly code: ChangelistErrorCode;
  /** The file concerned. */
  readonly path: string | undefined;
  /** The role concerned, as the change spells it. */
  readonly role: string | undefined;

  constructor(
    code: ChangelistErrorCode,
    message: string,
    about: { path?: string; role?: string; cause?: unknown } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.code = code;
    this.path = about.path;
    this.role = about.role;
  }
}

const ACTIONS: readonly string[] = ['create', 'update', 'delete'] satisfies ChangeAction[];
const TYPES: readonly string[] = ['target', 'delegation', 'witness', 'role'] satisfies ChangeType[];
const FIELDS = ['action', 'role', 'type', 'path', 'data'];
const MAX_TEXT = 4096;

/** The file of a change, in Notary's order and escapes. */
export function encodeChange({ action, role, type, path, data }: Change): Uint8Array {
  const content = data === undefined ? null : encodeBase64(data);
  return encodeUtf8(htmlEscape(JSON.stringify({ action, role, type, path, data: content })));
}

/** Reads the file of a change. @throws ChangelistError `malformed` */
export function decodeChange(file: Uint8Array): Change {
  try {
    const object = decodeJsonObject(file);
    const stranger = [...object.keys()].find((name) => !FIELDS.includes(name));
    if (stranger !== undefined) throw new DecodeError('unknown field');
    const text = (name: string): string => {
      const value = object.get(name);
      if (typeof value !== 'string' || value.length > MAX_TEXT) throw new DecodeError(`${name} is no text`);
      return value;
    };
    const [action, type] = [text('action'), text('type')];
    if (!ACTIONS.includes(action) || !TYPES.includes(type)) throw new DecodeError('unknown action or type');
    const change = { action: action as ChangeAction, role: text('role'), type: type as ChangeType, path: text('path') };
    const data = object.get('data') ?? null;
    if (data === null) return change;
    return { ...change, data: decodeBase64(text('data')) };
  } catch (cause) {
    if (cause instanceof DecodeError)
      throw new ChangelistError('malformed', `no staged change: ${cause.message}`, { cause });
    throw cause;
  }
}
