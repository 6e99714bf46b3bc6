// SPDX-License-Identifier: Apache-2.0
import { makeImage, startDockerd, startRegistry } from './dockerd.ts';
import type { TrustServer } from './notary-server.ts';
import type { TrustServerKind } from './programs.ts';
import { Stage } from './stage.ts';
import { startTrustServer } from './trust-server.ts';
import { User } from './users.ts';

/** How long a suite may take to start its services. */
export const START_MILLISECONDS = 120_000;

/** A trust server, an engine and a registry, and people who use them. */
export interface World {
  readonly stage: Stage;
  readonly server: TrustServer;
  readonly registry: string;
  readonly dockerHost: string;
  user(name: string): User;
  /** Makes an image of one file in the engine under the given name. */
  image(name: string, content: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts everything; what had been started is stopped again when a part fails. */
export async function openWorld(kind: TrustServerKind): Promise<World> {
  const stage = new Stage();
  try {
    const server = await startTrustServer(stage, kind);
    const [registry, dockerHost] = [await startRegistry(stage), await startDockerd(stage)];
    return {
      stage,
      server,
      registry,
      dockerHost,
      user: (name) => new User(stage, name, server, dockerHost),
      image: (name, content) => makeImage(stage, dockerHost, name, content),
      close: () => stage.close(),
    };
  } catch (error) {
    await stage.close();
    throw error;
  }
}
