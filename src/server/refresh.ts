// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../service/index.ts';
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
import { type CurrentView, currentFile, currentView } from './current-view.ts';
import { heldKeys, isOvertaken, signOnline } from './online-keys.ts';
import type { Publishing } from './publish.ts';
import { ConflictError, type StoredFile } from './storage/index.ts';
import { clientContext, verifyOnline } from './verification.ts';

/** Keeps what the server itself signs from expiring (reference 6.6): whoever asks for it makes it new. */
export class Refresher {
  readonly #deps: Publishing & { readonly log: Log };
  readonly #running = new Map<Gun, Promise<CurrentView | undefined>>();

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
    let running = this.#running.get(gun);
    if (running === undefined) {
      running = this.#renew(gun, view, now).finally(() => this.#running.delete(gun));
      this.#running.set(gun, running);
    }
    return running;
  }

  async #renew(gun: Gun, view: CurrentView, now: Date): Promise<CurrentView | undefined> {
    try {
      await renew(gun, view, this.#deps, now);
    } catch (error) {
      if (error instanceof VerificationError) {
        this.#deps.log.warn({ gun, code: error.code, role: error.role }, 'timestamp cannot be renewed');
        return view;
      }
      // another replica, or a publish, made new ones first
      if (!(error instanceof ConflictError || isOvertaken(error))) throw error;
      this.#deps.log.info({ gun, error }, 'timestamp was renewed meanwhile');
    }
    return currentView(this.#deps.storage, gun);
  }
}

function isExpired(signed: { readonly expires: Date }, now: Date): boolean {
  return signed.expires.getTime() < now.getTime();
}

async function renew(gun: Gun, view: CurrentView, { storage, keys }: Publishing, now: Date): Promise<void> {
  const rootFile = (await currentFile(storage, gun, ROOT, view)) ?? (await storage.latest(gun, ROOT));
  if (rootFile === undefined) return;
  const root = TrustedRoot.load(rootFile.bytes, clientContext(gun, now));
  root.assertCurrent();
  const held = await heldKeys(keys, gun, TIMESTAMP, root.signed);
  if (held.size === 0) return;
  const snapshot = await renewSnapshot(gun, root.signed, rootFile, view, keys, now);
  const renewed = nextTimestamp(view.signedTimestamp, notaryV1.pin(snapshot), now);
  const timestamp = await signOnline(keys, held, renewed);
  const files = verifyOnline({ root, snapshot, timestamp, baseline: view });
  await storage.commit(gun, view.timestamp, files, now);
}

/** The view's snapshot, or the next one where it has expired and the server has its key. */
async function renewSnapshot(
  gun: Gun,
  root: Root,
  rootFile: StoredFile,
  { snapshot, signedSnapshot }: CurrentView,
  keys: Publishing['keys'],
  now: Date,
): Promise<Uint8Array> {
  if (snapshot === undefined || signedSnapshot === undefined) throw new Error('no snapshot to renew');
  const held = isExpired(signedSnapshot, now) ? await heldKeys(keys, gun, SNAPSHOT, root) : new Map();
  if (held.size === 0) return snapshot.bytes;
  const next = nextSnapshot(signedSnapshot, new Map([[ROOT, notaryV1.pin(rootFile.bytes)]]), now);
  return signOnline(keys, held, next);
}
