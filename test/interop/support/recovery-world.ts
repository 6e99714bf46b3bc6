// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeImage, startDockerd, startRegistry } from './dockerd.ts';
import type { TrustServer } from './notary-server.ts';
import type { Service } from './processes.ts';
import { Stage } from './stage.ts';
import { hallmarkPlace, startHallmark } from './trust-server.ts';
import { User } from './users.ts';

/** A trust server that can be robbed, and whose address a thief can take; an engine, a registry, and people. */
export class RecoveryWorld {
  readonly stage: Stage;
  readonly registry: string;
  readonly #place: Awaited<ReturnType<typeof hallmarkPlace>>;
  readonly #dockerHost: string;
  readonly #server: TrustServer;
  #service: Service;

  private constructor(
    stage: Stage,
    place: Awaited<ReturnType<typeof hallmarkPlace>>,
    started: { server: TrustServer; service: Service },
    registry: string,
    dockerHost: string,
  ) {
    this.stage = stage;
    this.#place = place;
    this.#server = started.server;
    this.#service = started.service;
    this.registry = registry;
    this.#dockerHost = dockerHost;
  }

  static async open(): Promise<RecoveryWorld> {
    const stage = new Stage();
    try {
      const place = await hallmarkPlace(stage);
      const started = await startHallmark(stage, place);
      return new RecoveryWorld(stage, place, started, await startRegistry(stage), await startDockerd(stage));
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  user(name: string): User {
    return new User(this.stage, name, this.#server, this.#dockerHost);
  }

  /** Makes an image in the engine and pushes it, unsigned; whoever may write to the registry can do that. */
  async unsignedImage(name: string, content: string): Promise<void> {
    await makeImage(this.stage, this.#dockerHost, name, content);
    await this.user('builder').untrusted('push', name);
  }

  /** Everything that the trust server keeps, keys and TLS identity included, as it is now. */
  async stealServer(name: string): Promise<string> {
    const stolen = join(this.stage.directory, name);
    await this.#service.stop();
    cpSync(this.#place.data, stolen, { recursive: true });
    await this.#start(this.#place.data);
    return stolen;
  }

  /** From now on whoever speaks with the trust server's address speaks with one over this data. */
  async divertTo(data: string): Promise<void> {
    await this.#service.stop();
    await this.#start(data);
  }

  divertBack(): Promise<void> {
    return this.divertTo(this.#place.data);
  }

  async #start(data: string): Promise<void> {
    ({ service: this.#service } = await startHallmark(this.stage, { ...this.#place, data }));
  }

  close(): Promise<void> {
    return this.stage.close();
  }
}

/** Forgets all repositories and keys of a stolen server; its TLS identity stays. */
export function emptyServer(data: string): void {
  for (const file of readdirSync(data)) if (/^(?:server|signer)\.db/.test(file)) rmSync(join(data, file));
  rmSync(join(data, 'signer-passphrase'), { force: true });
}

/** Copies the key files of a role from one person to another, whose passphrase the thief has seen; their key IDs. */
export function stealKeys(from: User, to: User, role: string): string[] {
  const [source, target] = [from, to].map((user) => join(user.trustDirectory, 'private')) as [string, string];
  mkdirSync(target, { recursive: true, mode: 0o700 });
  const files = readdirSync(source).filter((file) =>
    new RegExp(`^role: ${role}$`, 'm').test(readFileSync(join(source, file), 'utf8')),
  );
  for (const file of files) cpSync(join(source, file), join(target, file));
  return files.map((file) => file.replace(/\.key$/, ''));
}
