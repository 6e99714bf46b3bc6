// SPDX-License-Identifier: Apache-2.0
import type { Outcome } from './processes.ts';

/** The manifest digest that `docker push` says it pushed. */
export function pushedDigest(push: { output: string }): string {
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(push.output)?.[1];
  if (digest === undefined) throw new Error(`the push names no digest:\n${push.output}`);
  return digest;
}

export function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}

/** The parsed standard output of `docker trust inspect`, of one image. */
export interface TrustInspection {
  readonly Name: string;
  readonly SignedTags: readonly { SignedTag: string; Digest: string; Signers: readonly string[] }[];
  readonly Signers: readonly { Name: string; Keys: readonly { ID: string }[] }[];
  readonly AdministrativeKeys: readonly { Name: string; Keys: readonly { ID: string }[] }[];
}

export function trustInspection(inspect: Outcome): TrustInspection {
  const [first] = JSON.parse(inspect.stdout) as TrustInspection[];
  if (first === undefined) throw new Error(`docker trust inspect shows nothing:\n${inspect.output}`);
  return first;
}
