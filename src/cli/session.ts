// SPDX-License-Identifier: Apache-2.0
import { DirectoryHighWaterMarks, type TrustedRepository } from '../client/index.ts';
import { type Draft, HttpTrustServer, initializeRepository, Publisher, type SigningKeys } from '../publisher/index.ts';
import { notaryV1, VerificationError } from '../tuf/index.ts';
import { passphrasesFrom } from './passphrase-sources.ts';
import { warnOfNewRootKey } from './prompts.ts';
import { trustDirectory } from './settings.ts';
import { TrustView } from './trust-view.ts';
import { userKeys } from './user-keys.ts';

/** What to do about a repository that the server does not have: `make` makes its first draft. */
export type OnNewRepository = (make: () => Promise<Draft>) => Promise<Draft>;

/** One repository as a command works on it: what can be looked at, and the user's keys to change it. */
export class Session extends TrustView {
  #keys: SigningKeys | undefined;

  /** Reads what signing needs, so that an option which is wrong is told before anything is pushed. @throws UsageError */
  prepareSigning(): void {
    this.#keys ??= this.keys;
  }

  /** The user's keys and how they are opened; keys once opened stay so. */
  get keys(): SigningKeys {
    this.#keys ??= {
      store: userKeys(this.io, this.options),
      passphrases: this.manners.passphrases ?? passphrasesFrom(this.io, this.options),
    };
    return this.#keys;
  }

  /** The trust server itself, for its keys and for publishing; `*` is needed to change the keys that it signs with. */
  trustServer(actions: 'pull,push' | '*' = 'pull,push'): HttpTrustServer {
    return new HttpTrustServer({ server: this.server, fetch: this.fetch(actions) });
  }

  /** @param frozen as of {@link refreshToRenew} */
  publisher(onNewRepository: OnNewRepository = (make) => make(), frozen = false): Publisher {
    const common = {
      gun: this.gun,
      dialect: notaryV1,
      keys: this.keys,
      server: this.trustServer(),
      onNewRootKey: this.manners.onNewRootKey ?? (() => warnOfNewRootKey(this.io)),
    };
    return new Publisher({
      ...common,
      refresh: () => this.#refreshKnown(frozen),
      clock: () => this.io.now(),
      initialize: () => onNewRepository(() => initializeRepository({ ...common, now: this.io.now() })),
    });
  }

  /** @throws VerificationError `unsigned` of what the server never had; `rollback` of what it had */
  async #refreshKnown(frozen: boolean): Promise<TrustedRepository> {
    try {
      return await this.refreshToRenew(frozen);
    } catch (error) {
      if (error instanceof VerificationError && error.code === 'unsigned') this.#refuseLost(error);
      throw error;
    }
  }

  /**
   * A server that has nothing of what was trusted here lost it, or is another one (S36): a new repository in its place would be
   * refused by everybody who knows the old one, this user first.
   * @throws VerificationError `rollback`
   */
  #refuseLost(cause: VerificationError): void {
    const directory = trustDirectory(this.io, this.options);
    if (new DirectoryHighWaterMarks(directory).load(this.gun).size === 0) return;
    const { ca } = this.options;
    const where = `-s ${this.server} -d ${directory}${ca === undefined ? '' : ` --tlscacert ${ca}`}`;
    const mend = `name its server with --server, have its data restored, or begin anew after: hallmark notary ${where} delete --remote ${this.gun}`;
    throw new VerificationError('rollback', cause.role, `${cause.message}, which was trusted here before: ${mend}`, {
      cause,
    });
  }
}
