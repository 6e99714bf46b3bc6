// SPDX-License-Identifier: Apache-2.0
import type { Body } from './request-head.ts';

export interface ResponseHead {
  readonly status: number;
  readonly contentType: string;
  readonly body: Body | { readonly kind: 'until-close' };
}

/** Reads the first lines of the engine's answer, as far as it matters where it ends. @param bytes without the empty line */
export function parseResponseHead(bytes: Uint8Array): ResponseHead {
  const [first = '', ...lines] = Buffer.from(bytes).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 0);
  const header = (name: string) => {
    const line = lines.find((candidate) => candidate.toLowerCase().startsWith(`${name}:`));
    return line?.slice(name.length + 1).trim();
  };
  const length = header('content-length');
  const isChunked = header('transfer-encoding')?.toLowerCase() === 'chunked';
  const hasNone = status === 204 || status === 304 || length === '0';
  return {
    status,
    contentType: header('content-type') ?? '',
    body: hasNone
      ? { kind: 'none' }
      : isChunked
        ? { kind: 'chunked' }
        : length === undefined
          ? { kind: 'until-close' }
          : { kind: 'length', bytes: Number(length) },
  };
}
