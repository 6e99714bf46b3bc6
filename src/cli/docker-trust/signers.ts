// SPDX-License-Identifier: Apache-2.0
import type { RoleName } from '../../tuf/index.ts';
import type { TrustContext } from './context.ts';
import { describeFailure, TrustCommandError } from './errors.ts';

export { RELEASES } from '../../tuf/index.ts';

/** The delegation of a signer. */
export function signerRole(name: string): RoleName {
  return `targets/${name}` as RoleName;
}

/**
 * Does the same to one repository after the other: one that fails is told, and does not keep the others waiting.
 * @throws TrustCommandError naming those that failed behind `summary`
 */
export async function forEachRepository(
  { io }: TrustContext,
  repositories: readonly string[],
  summary: string,
  work: (repository: string) => Promise<void>,
): Promise<void> {
  const failed: string[] = [];
  for (const repository of repositories) {
    try {
      await work(repository);
    } catch (error) {
      io.stderr.write(`${describeFailure(error, repository).text}\n`);
      failed.push(repository);
    }
  }
  if (failed.length > 0) throw new TrustCommandError(`${summary}: ${failed.join(', ')}`);
}
