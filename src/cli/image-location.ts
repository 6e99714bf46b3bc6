// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { EngineClient, resolveEndpoint } from '../engine/index.ts';
import type { Io } from './io.ts';
import { UsageError } from './usage-error.ts';

/** Where an image comes from or goes to. */
export type ImageLocation =
  | { readonly kind: 'engine' }
  | { readonly kind: 'oci' | 'docker-archive'; readonly path: string };

/** `engine`, `oci:DIR` or `docker-archive:FILE`. @throws UsageError */
export function parseImageLocation(text: string, option: string): ImageLocation {
  if (text === 'engine') return { kind: 'engine' };
  const [, kind, path] = /^(oci|docker-archive):(.+)$/s.exec(text) ?? [];
  if (kind === undefined || path === undefined)
    throw new UsageError(`${option}: ${text} is none of engine, oci:DIR, docker-archive:FILE`);
  return { kind: kind as 'oci' | 'docker-archive', path: resolve(path) };
}

/** The engine that the docker CLI would talk to. @throws EngineError */
export async function openEngine(io: Io): Promise<EngineClient> {
  return new EngineClient(await resolveEndpoint({ env: io.env }));
}
