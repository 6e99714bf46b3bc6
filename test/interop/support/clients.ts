// SPDX-License-Identifier: Apache-2.0
import { expect } from 'bun:test';
import type { User } from './users.ts';

/** The digest that each of the three clients trusts for a tag; undefined where it refuses the tag. */
export interface Trusted {
  readonly hallmark: string | undefined;
  readonly docker: string | undefined;
  readonly notary: string | undefined;
}

/** What a reader's clients trust now. Docker pulls; what it has of the tag before does not matter. */
export async function trustedBy(reader: User, repository: string, tag: string): Promise<Trusted> {
  const verified = await reader.hallmark('verify', `${repository}:${tag}`);
  const pulled = await reader.docker('pull', `${repository}:${tag}`);
  const lookup = await reader.notary('lookup', repository, tag);
  return {
    hallmark: verified.code === 0 ? /@(sha256:[0-9a-f]{64})$/m.exec(verified.stdout)?.[1] : undefined,
    docker: pulled.code === 0 ? /^Pull \(1 of 1\): \S+@(sha256:[0-9a-f]{64})$/m.exec(pulled.stdout)?.[1] : undefined,
    notary: lookup.code === 0 ? /sha256:[0-9a-f]{64}/.exec(lookup.stdout)?.[0] : undefined,
  };
}

/** Every client of every reader trusts this digest, or, where it is undefined, none of them trusts the tag. */
export async function expectTrusted(
  readers: readonly User[],
  repository: string,
  tag: string,
  digest: string | undefined,
): Promise<void> {
  for (const reader of readers)
    expect(await trustedBy(reader, repository, tag)).toEqual({ hallmark: digest, docker: digest, notary: digest });
}
