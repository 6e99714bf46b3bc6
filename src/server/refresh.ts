// SPDX-License-Identifier: Apache-2.0
import { type Log, outsideOfRequests, traced } from '../service/index.ts';
import {
  type Gun,
  nextSnapshot,
  nextTimestamp,
  notaryV1,
  ROOT,
  type Root,
  SNAPSHOT,
  TIMESTAMP,
  TrustedRoot,
  VerificationError,
} from '../tuf/index.ts';
import { SERVER_ITSELF } from './actor.ts';
import { type CurrentView, currentFile, currentView } from './current-view.ts';
import { heldKeys, isOvertaken, signOnline } from './online-keys.ts';
import type { Publishing } from './publish.ts';
import { ConflictError, type StoredFile } from './storage/index.ts';
import { clientContext, verifyOnline } from './verification.ts';

/** What came of an attempt to renew ahead of time. */
export type Renewal =
  | 'renewed'
  /** Nothing expires that soon: another replica, or a publish, was here. */
  | 'current'
  /** A publisher holds the key. */
  | 'not-ours'
  /** Another replica, or a publish, came first in this very moment. */
  | 'conflict'
  /** Clients would not accept what the server would sign: the root has expired, or what is stored is broken. */
  | 'refused';

/** Before which moment a file has to expire to be made anew. */
export interface Due {
  readonly timestamp: Date;
  readonly snapshot: Date;
}

const IN_VAIN_MS = 60_000;

/** Keeps what the server itself signs from expiring (reference 6.6): ahead of time, or when somebody asks for it. */
export class Refresher {
  readonly #deps: Publishing & { readonly log: Log };
  readonly #running = new Map<Gun, Promise<Renewal>>();
  /** Until when a timestamp that could not be renewed is let alone: it would fail at every read, and each time say so (S23). */
  readonly #inVain = new WeakMap<StoredFile, number>();

  constructor(deps: Publishing & { readonly log: Log }) {
    this.#deps = deps;
  }

  /**
   * The current view, renewed if its timestamp or snapshot has expired; one renewal per GUN at a time. What cannot be
   * renewed, since a publisher holds the key or the root has expired, is given as it is: the client then sees why.
   */
  async view(gun: Gun): Promise<CurrentView | undefined> {
    const view = await currentView(this.#deps.storage, gun);
    if (view?.signedSnapshot === undefined) return view;
    const now = this.#deps.clock();
    if (!isExpired(view.signedTimestamp, now) && !isExpired(view.signedSnapshot, now)) return view;
    if (now.getTime() < (this.#inVain.get(view.timestamp) ?? 0)) return view;
    const outcome = await traced('renewal', {}, () => this.#once(gun, view, { timestamp: now, snapshot: now }));
    if (outcome !== 'refused' && outcome !== 'not-ours') return currentView(this.#deps.storage, gun);
    this.#inVain.set(view.timestamp, now.getTime() + IN_VAIN_MS);
    return view;
  }

  /**
   * Renews what the server signs for a GUN and what is due.
   * @throws whatever storage or the signer reject with
   */
  async renew(gun: Gun, due: Due): Promise<Renewal> {
    const view = await currentView(this.#deps.storage, gun);
    if (view === undefined) return 'current';
    if (!isExpired(view.signedTimestamp, due.timestamp) && !isSnapshotDue(view, due)) return 'current';
    return this.#once(gun, view, due);
  }

  #once(gun: Gun, view: CurrentView, due: Due): Promise<Renewal> {
    let running = this.#running.get(gun);
    if (running === undefined) {
      // several requests may wait for it: it is no part of the first one
      running = outsideOfRequests(() => this.#renew(gun, view, due)).finally(() => this.#running.delete(gun));
      this.#running.set(gun, running);
    }
    return running;
  }

  async #renew(gun: Gun, view: CurrentView, due: Due): Promise<Renewal> {
    try {
      return await renew(gun, view, this.#deps, due);
    } catch (error) {
      // another replica, or a publish, made new ones first
      if (error instanceof ConflictError || isOvertaken(error)) return 'conflict';
      if (!(error instanceof VerificationError)) throw error;
      this.#deps.log.warn({ gun, code: error.code, role: error.role }, 'timestamp cannot be renewed');
      return 'refused';
    }
  }
}

function isExpired(signed: { readonly expires: Date }, moment: Date): boolean {
  return signed.expires.getTime() < moment.getTime();
}

function isSnapshotDue({ signedSnapshot }: CurrentView, due: Due): boolean {
  return signedSnapshot !== undefined && isExpired(signedSnapshot, due.snapshot);
}

async function renew(gun: Gun, view: CurrentView, deps: Publishing, due: Due): Promise<Renewal> {
  const { storage, keys, clock } = deps;
  const now = clock();
  const rootFile = (await currentFile(storage, gun, ROOT, view)) ?? (await storage.latest(gun, ROOT));
  if (rootFile === undefined) return 'refused';
  const root = TrustedRoot.load(rootFile.bytes, clientContext(gun, now));
  root.assertCurrent();
  const held = await heldKeys(keys, gun, TIMESTAMP, root.signed);
  const snapshot = held.size === 0 ? undefined : await renewSnapshot(gun, root.signed, rootFile, view, keys, due, now);
  if (snapshot === undefined) return 'not-ours';
  const renewed = nextTimestamp(view.signedTimestamp, notaryV1.pin(snapshot), now);
  const timestamp = await signOnline(keys, held, renewed);
  const files = verifyOnline({ root, snapshot, timestamp, baseline: view });
  await storage.commit(gun, view.timestamp, files, { now, actor: SERVER_ITSELF, action: 'renew' });
  return 'renewed';
}

/**
 * The next snapshot where it is due and the server has its key, else the view's; `undefined` if that leaves nothing for a
 * new timestamp to say.
 */
async function renewSnapshot(
  gun: Gun,
  root: Root,
  rootFile: StoredFile,
  view: CurrentView,
  keys: Publishing['keys'],
  due: Due,
  now: Date,
): Promise<Uint8Array | undefined> {
  const { snapshot, signedSnapshot, signedTimestamp } = view;
  if (snapshot === undefined || signedSnapshot === undefined) return undefined;
  const held = isSnapshotDue(view, due) ? await heldKeys(keys, gun, SNAPSHOT, root) : new Map();
  if (held.size === 0) return isExpired(signedTimestamp, due.timestamp) ? snapshot.bytes : undefined;
  const next = nextSnapshot(signedSnapshot, new Map([[ROOT, notaryV1.pin(rootFile.bytes)]]), now);
  return signOnline(keys, held, next);
}
