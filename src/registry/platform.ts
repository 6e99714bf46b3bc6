// SPDX-License-Identifier: Apache-2.0
import process from 'node:process';
import { RegistryError } from './errors.ts';

/** Operating system and processor that an image is for, in Go's words: `linux/arm64/v8`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly osVersion?: string;
}

const PART = /^[a-z0-9_][a-z0-9_.-]*$/;
const ARCHITECTURES: ReadonlyMap<string, readonly [architecture: string, variant?: string]> = new Map([
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['x64', ['amd64']],
  ['aarch64', ['arm64']],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
  ['i386', ['386']],
  ['ia32', ['386']],
  ['ppc64el', ['ppc64le']],
]);

/** Reads `os/architecture[/variant]`. @throws RegistryError `malformed` */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  const [os, architecture, variant] = parts;
  if (parts.length > 3 || !parts.every((part) => PART.test(part)) || os === undefined || architecture === undefined) {
    throw new RegistryError(
      'malformed',
      `"${text.slice(0, 80)}" is not a platform such as linux/amd64 or linux/arm/v7`,
    );
  }
  return normalPlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) });
}

export function platformText({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** The platform that containers run on here: Linux containers, except on Windows. */
export function hostPlatform(): Platform {
  return normalPlatform({ os: process.platform === 'win32' ? 'windows' : 'linux', architecture: process.arch });
}

/** One spelling per platform: `arm64/v8` and `amd64/v1` are the plain architecture, plain `arm` is `arm/v7`. */
function normalPlatform(platform: Platform): Platform {
  const [architecture, impliedVariant] = ARCHITECTURES.get(platform.architecture) ?? [platform.architecture];
  const variant = platform.variant ?? impliedVariant ?? (architecture === 'arm' ? 'v7' : undefined);
  const isPlain = (architecture === 'arm64' && variant === 'v8') || (architecture === 'amd64' && variant === 'v1');
  return {
    os: platform.os,
    architecture,
    ...(variant === undefined || isPlain ? {} : { variant }),
    ...(platform.osVersion === undefined ? {} : { osVersion: platform.osVersion }),
  };
}

/**
 * How well an offered platform serves the wanted one: 0 is exact, higher is an older variant that still runs,
 * `undefined` does not run. As Docker: `arm/v7` also takes v6 and v5, never the other way round.
 */
export function platformRank(wanted: Platform, offered: Platform): number | undefined {
  const want = normalPlatform(wanted);
  const offer = normalPlatform(offered);
  if (want.os !== offer.os || want.architecture !== offer.architecture) return undefined;
  const below = variantLevel(want) - variantLevel(offer);
  return below < 0 || Number.isNaN(below) ? undefined : below;
}

function variantLevel({ architecture, variant }: Platform): number {
  if (variant === undefined) return architecture === 'arm64' ? 8 : 1;
  const level = /^v([0-9]{1,2})$/.exec(variant)?.[1];
  return level === undefined ? Number.NaN : Number(level);
}
