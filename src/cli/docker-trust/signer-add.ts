// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { changeDelegation } from '../../publisher/index.ts';
import { type PublicKey, type RoleName, VerificationError } from '../../tuf/index.ts';
import type { TrustCommandAction, TrustContext } from './context.ts';
import { reasonOf, TrustCommandError } from './errors.ts';
import { checkName } from './key-names.ts';
import { readPublicKey } from './public-keys.ts';
import { forEachRepository, RELEASES, signerRole } from './signers.ts';

/** `docker trust signer add`: the signer's keys into `targets/NAME` and `targets/releases`; a new repository is made. */
export const signerAdd: TrustCommandAction = async (context, [name = '', ...repositories], { values }) => {
  const { io } = context;
  checkName('signer', name);
  if (name === 'releases') throw new TrustCommandError('releases is a reserved keyword, use a different signer name');
  const files = values.get('key') ?? [];
  if (files.length === 0) throw new TrustCommandError('path to a public key must be provided using the `--key` flag');
  const cwd = io.cwd ?? process.cwd();
  const keys = await Promise.all(files.map((file) => readPublicKey(resolve(cwd, file), file, io.now())));
  await forEachRepository(context, repositories, 'failed to add signer to', async (repository) => {
    io.stdout.write(`Adding signer "${name}" to ${repository}...\n`);
    await addTo(context, repository, signerRole(name), keys);
    io.stdout.write(`Successfully added signer: ${name} to ${repository}\n\n`);
  });
};

async function addTo(
  { io, open }: TrustContext,
  repository: string,
  role: RoleName,
  keys: readonly PublicKey[],
): Promise<void> {
  const { session } = open(repository);
  const publisher = session.publisher(async (make) => {
    io.stdout.write(`Initializing signed repository for ${repository}...\n`);
    const draft = await make();
    io.stdout.write(`Successfully initialized "${repository}"\n`);
    return draft;
  });
  try {
    await publisher.publish((draft, now) => {
      for (const name of [role, RELEASES]) changeDelegation(draft, name, now, { addKeys: keys, addPaths: [''] });
    });
  } catch (error) {
    if (error instanceof VerificationError) throw error;
    const { message, hint } = reasonOf(error, session.gun);
    throw new TrustCommandError(message, { hint, cause: error });
  }
}
