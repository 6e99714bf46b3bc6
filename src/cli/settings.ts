// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { dockerConfigDirectory, type ImageReference, registryHost } from '../registry/index.ts';
import type { Io } from './io.ts';
import { UsageError } from './usage-error.ts';

/** Options of every command, before or after its name. */
export interface GlobalOptions {
  readonly trustDir?: string;
  readonly server?: string;
  readonly ca?: string;
  readonly passphraseFile?: readonly string[];
  readonly passphraseFd?: readonly string[];
  readonly maxStaleness?: string;
  readonly policy?: string;
  readonly token?: readonly string[];
  readonly pinFd?: readonly string[];
  readonly json?: boolean;
}

/** The very directory that Docker keeps its trust in, unless another is given. */
export function trustDirectory(io: Io, options: GlobalOptions): string {
  if (options.trustDir === '') throw new UsageError('--trust-dir names no directory');
  return options.trustDir ?? join(dockerConfigDirectory(io.env), 'trust');
}

const HUB_TRUST_SERVER = 'https://notary.docker.io';
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * The trust server of an image: `--server`, `DOCKER_CONTENT_TRUST_SERVER`, the policy's rule for it, else Docker Hub's or the
 * registry's own host (reference 1.3). Plain http is taken on loopback only.
 * @throws UsageError
 */
export function trustServer(io: Io, options: GlobalOptions, reference: ImageReference, byPolicy?: string): string {
  const given = options.server ?? (io.env.DOCKER_CONTENT_TRUST_SERVER || byPolicy);
  if (given === undefined)
    return reference.domain === 'docker.io' ? HUB_TRUST_SERVER : `https://${registryHost(reference)}`;
  const url = URL.parse(given);
  const isAllowed =
    url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname)));
  // the address is told in errors and logs, where a password has no place
  if (url !== null && (url.username !== '' || url.password !== '')) {
    throw new UsageError(
      `trust server URL must not hold a user or password: log in with docker login ${reference.domain}`,
    );
  }
  if (!isAllowed) throw new UsageError(`valid https URL required for trust server, got ${given}`);
  return given.replace(/\/+$/, '');
}

const FALSE = new Set(['0', 'f', 'F', 'false', 'False', 'FALSE']);

/** Whether content is to be trusted by signature: always, unless the user turns it off for this call or by variable. */
export function isTrustEnabled(io: Io, options: { readonly disableContentTrust?: boolean }): boolean {
  if (options.disableContentTrust !== undefined) return !options.disableContentTrust;
  return !FALSE.has(io.env.DOCKER_CONTENT_TRUST ?? '');
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A span such as `90s`, `15m`, `12h`, `2d`, in milliseconds. @throws UsageError */
export function parseDuration(text: string, option: string): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined)
    throw new UsageError(`${option}: ${text} is no span such as 90s, 15m, 12h or 2d`);
  return Number(amount) * (UNITS[unit] as number);
}
