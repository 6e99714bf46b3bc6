// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { type Collection, DownloadError, fetchCollection, writeCollection } from '../../../client/index.ts';
import { notaryV1, TIMESTAMP, VerificationError } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { failureOf } from '../../errors.ts';
import { ExitCode } from '../../exit-codes.ts';
import { jsonText } from '../../json-text.ts';
import { parseRepository } from '../../repository-name.ts';
import { PartialFailure } from '../../usage-error.ts';

export interface ArchiveOptions {
  readonly output: string;
}

interface Archived {
  readonly gun: string;
  readonly from: string;
  readonly path: string;
  readonly roots: number;
  readonly roles: readonly string[];
  readonly expires: Date;
}

/**
 * `hallmark archive GUN…`: all public trust data of repositories, verified as a client does and copied byte for byte, in a
 * directory that any web server can serve in the trust server's place.
 */
export async function archive(
  context: CommandContext,
  names: readonly string[],
  { output }: ArchiveOptions,
): Promise<void> {
  const { io, globals } = context;
  const done: Archived[] = [];
  let worst: ExitCode = ExitCode.done;
  for (const name of names) {
    const view = context.view(parseRepository(name));
    try {
      done.push(await archiveOne(context, view, resolve(output)));
    } catch (error) {
      if (!(error instanceof VerificationError) && !(error instanceof DownloadError)) throw error;
      const failure = failureOf(error, view.gun);
      io.stderr.write(`${failure.message}\n`);
      worst = failure.exitCode > worst ? failure.exitCode : worst;
    }
  }
  io.stdout.write(globals.json ? jsonText(done) : done.map(line).join(''));
  if (worst !== ExitCode.done)
    throw new PartialFailure(`${names.length - done.length} of ${names.length} repositories not archived`, worst);
}

async function archiveOne(
  { io }: CommandContext,
  view: ReturnType<CommandContext['view']>,
  directory: string,
): Promise<Archived> {
  const repository = await view.refresh();
  const now = io.now();
  const options = { repository, fetcher: view.fetcher(), dialect: notaryV1, now };
  const collection: Collection = await fetchCollection(options);
  const path = writeCollection(directory, collection, { from: view.server, archivedAt: now }, notaryV1);
  const [oldest] = collection.roots;
  if (oldest !== undefined && oldest.version > 1)
    io.stderr.write(
      `Warning: ${view.gun}: the server has no root before version ${oldest.version}: clients that know none since cannot follow\n`,
    );
  const { timestamp } = repository.targets.snapshot;
  const roles = [...collection.files.keys()].filter((role) => role !== TIMESTAMP);
  return {
    gun: view.gun,
    from: view.server,
    path,
    roots: collection.roots.length,
    roles,
    expires: timestamp.signed.expires,
  };
}

function line({ gun, roots, roles, expires, path }: Archived): string {
  const count = `${roots} ${roots === 1 ? 'root' : 'roots'}, ${roles.length} other files`;
  return `${gun}: ${count}, timestamp until ${expires.toISOString().slice(0, 10)}: ${path}\n`;
}
