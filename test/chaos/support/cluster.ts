// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { HttpFetch } from '../../../src/client/index.ts';
import type { Random } from '../../support/random.ts';
import type { Replica } from './replica.ts';

/** Some server processes behind one name: each request goes to any that is up, as behind a load balancer. */
export class Cluster {
  readonly url = 'https://localhost';
  readonly #replicas: readonly Replica[];
  readonly #ca: string;
  readonly #dice: Random;
  #writing = 0;

  constructor(replicas: readonly Replica[], caFile: string, dice: Random) {
    this.#replicas = replicas;
    this.#ca = readFileSync(caFile, 'utf8');
    this.#dice = dice;
  }

  /** Publishes that were sent and have no answer yet. */
  get writing(): number {
    return this.#writing;
  }

  readonly fetch: HttpFetch = async (url, init) => {
    const up = this.#replicas.filter(({ isUp }) => isUp);
    if (up.length === 0) throw new Error('no replica is up');
    const target = new URL(url);
    target.port = String(this.#dice.pick(up).port);
    const isWrite = init.method === 'POST';
    if (isWrite) this.#writing++;
    try {
      // a connection of its own, as Docker and notary make them: what breaks is told, and nothing is sent twice
      return await fetch(target.href, { ...init, keepalive: false, tls: { ca: this.#ca } });
    } finally {
      if (isWrite) this.#writing--;
    }
  };
}
