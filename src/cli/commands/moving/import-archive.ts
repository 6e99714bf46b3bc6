// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { archivedGuns, readCollection, TrustDirectoryError } from '../../../client/index.ts';
import { loadServerConfig } from '../../../server/config/index.ts';
import {
  ImportError,
  type Imported,
  type ImportTarget,
  importCollection,
  openImportTarget,
  settingsOfDataDirectory,
} from '../../../server/import/index.ts';
import { SILENT_LOG } from '../../../service/index.ts';
import { type Gun, notaryV1, parseGun, SNAPSHOT, TIMESTAMP, VerificationError } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { failureOf } from '../../errors.ts';
import { ExitCode } from '../../exit-codes.ts';
import type { Io } from '../../io.ts';
import { jsonText } from '../../json-text.ts';
import { PartialFailure, UsageError } from '../../usage-error.ts';

/** Which server takes it over: that of a configuration, or of `hallmark up`. */
export interface TargetOptions {
  readonly data?: string;
  readonly config?: string;
}

function gunsOf(place: string): readonly Gun[] {
  try {
    const guns = archivedGuns(place);
    if (guns.length > 0) return guns;
  } catch (cause) {
    if (!(cause instanceof TrustDirectoryError)) throw cause;
    throw new ImportError(`no archive: ${place}: ${cause.message}`, { cause });
  }
  throw new ImportError(`no archive: ${place}`);
}

/**
 * `hallmark import DIR [GUN…]`: repositories of an archive into one's own server's storage, byte for byte, so that clients
 * go on with another address.
 */
export async function importArchive(
  context: CommandContext,
  directory: string,
  names: readonly string[],
  options: TargetOptions,
): Promise<void> {
  const { io, globals } = context;
  const place = resolve(directory);
  const guns = names.length === 0 ? gunsOf(place) : names.map((name) => parseGun(name));
  const target = await openTarget(io, options);
  const done: Imported[] = [];
  let worst: ExitCode = ExitCode.done;
  try {
    for (const gun of guns) {
      try {
        done.push(await importOne(place, gun, target));
      } catch (error) {
        if (!isOfOne(error)) throw error;
        const failure = failureOf(error, gun);
        io.stderr.write(`${gun}: ${failure.message}\n`);
        worst = failure.exitCode > worst ? failure.exitCode : worst;
      }
    }
  } finally {
    await target.close();
  }
  io.stdout.write(globals.json ? jsonText(done) : done.map(line).join(''));
  for (const imported of done) io.stderr.write(consequences(imported, io.now()));
  if (worst !== ExitCode.done)
    throw new PartialFailure(`${guns.length - done.length} of ${guns.length} repositories not imported`, worst);
}

async function importOne(place: string, gun: Gun, target: ImportTarget): Promise<Imported> {
  const { roots, files, note } = readCollection(place, gun, notaryV1);
  return importCollection({ gun, roots, files, at: note.archivedAt }, target);
}

/** What is wrong with one repository; the others may be imported all the same. */
function isOfOne(error: unknown): boolean {
  return error instanceof VerificationError || error instanceof TrustDirectoryError || error instanceof ImportError;
}

/** @throws UsageError */
async function openTarget(io: Io, { data, config }: TargetOptions): Promise<ImportTarget> {
  if ((data === undefined) === (config === undefined))
    throw new UsageError(
      'say whose storage it goes into: --data DIR of hallmark up, or --config FILE of a trust server',
    );
  const settings =
    data === undefined
      ? (await loadServerConfig(config ?? '', io.env)).settings
      : await settingsOfDataDirectory(resolve(data), io.env);
  if (settings.storage.engine === 'memory')
    throw new UsageError(`${config}: its storage is memory, which would be gone with this command`);
  return openImportTarget(settings, { env: io.env, clock: () => io.now(), log: SILENT_LOG });
}

function line({ gun, stored }: Imported): string {
  if (stored.length === 0) return `${gun}: nothing new, all of it was there\n`;
  const roots = stored.filter(({ role }) => role === 'root').length;
  return `${gun}: ${roots} ${roots === 1 ? 'root' : 'roots'}, ${stored.length - roots} other files\n`;
}

/** What follows for those who read it and for its publisher, and the command by which it goes on. */
function consequences({ gun, timestampExpires, keysMissing }: Imported, now: Date): string {
  if (!keysMissing.includes(TIMESTAMP)) return `${gun}: this server holds its timestamp key and renews it\n`;
  const until = timestampExpires.toISOString().slice(0, 10);
  const when = timestampExpires < now ? `has expired (${until}): clients refuse it` : `is valid until ${until}`;
  const both = keysMissing.includes(SNAPSHOT);
  const roles = both ? 'timestamp snapshot' : 'timestamp';
  const own = both ? ' (timestamp alone where the publisher holds the snapshot key)' : '';
  return [
    `${gun}: its timestamp ${when}. This server does not hold its ${keysMissing.join(' and ')} key and cannot renew it.`,
    `  Its publisher goes on with: hallmark --server URL key rotate ${gun} ${roles} --server-managed${own}`,
    '',
  ].join('\n');
}
