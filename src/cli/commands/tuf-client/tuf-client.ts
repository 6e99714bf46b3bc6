// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import {
  DirectoryTrustedFiles,
  DownloadError,
  fetchTarget,
  type HttpFetch,
  HttpTufFetcher,
  TargetDirectory,
  TufClient,
  targetUrl,
} from '../../../client/index.ts';
import { encodeHex } from '../../../encoding/index.ts';
import {
  type FoundTarget,
  parseGun,
  TARGETS,
  type TrustedTargets,
  tufV1,
  VerificationError,
} from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { failureOf } from '../../errors.ts';
import { ExitCode } from '../../exit-codes.ts';
import { jsonText } from '../../json-text.ts';
import { tlsFilesFor, tlsTransport } from '../../tls-files.ts';
import { PartialFailure, UsageError } from '../../usage-error.ts';

export interface TufClientCommandOptions {
  readonly metadataDir?: string;
  readonly metadataUrl?: string;
  readonly targetName?: readonly string[];
  readonly targetDir?: string;
  readonly targetBaseUrl?: string;
}

/** `hallmark tuf-client`. Exit code 1 for whatever goes wrong: the protocol of the conformance suite knows no other. */
export async function tufClient(
  context: CommandContext,
  action: string,
  root: string | undefined,
  options: TufClientCommandOptions,
): Promise<void> {
  try {
    if (action === 'init') init(context, required(root, 'ROOT'), options);
    else if (action === 'refresh') await refresh(context, options);
    else if (action === 'download') await download(context, options);
    else throw new UsageError(`${action} is neither init, refresh nor download`);
  } catch (error) {
    throw new PartialFailure(messageOf(error), ExitCode.failed);
  }
}

function messageOf(error: unknown): string {
  if (error instanceof VerificationError || error instanceof DownloadError) return `error: ${error.message}`;
  return failureOf(error, '').message;
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw new UsageError(`${name} is missing`);
  return value;
}

function init(context: CommandContext, root: string, options: TufClientCommandOptions): void {
  const directory = required(options.metadataDir, '--metadata-dir');
  const files = new DirectoryTrustedFiles(directory);
  const fetcher = { fetch: async () => undefined };
  const client = new TufClient({ dialect: tufV1, gun: parseGun('repository'), fetcher, files, now: context.io.now() });
  client.initialize(new Uint8Array(readFileSync(root)));
}

function clientOf({ io, globals }: CommandContext, options: TufClientCommandOptions) {
  const metadataUrl = required(options.metadataUrl, '--metadata-url');
  const files = new DirectoryTrustedFiles(required(options.metadataDir, '--metadata-dir'));
  const fetch = fetchFrom({ io, globals }, metadataUrl);
  const gun = parseGun(new URL(metadataUrl).host);
  return new TufClient({
    dialect: tufV1,
    gun,
    fetcher: new HttpTufFetcher({ metadataUrl, fetch }),
    files,
    now: io.now(),
  });
}

function fetchFrom({ io, globals }: Pick<CommandContext, 'io' | 'globals'>, url: string): HttpFetch {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw new UsageError(`${url} is no http URL`);
  const transport = tlsTransport(tlsFilesFor(io, globals, url));
  return (target, { headers, signal }) =>
    transport(target, { method: 'GET', headers: new Headers(headers), signal: signal ?? new AbortController().signal });
}

async function refresh(context: CommandContext, options: TufClientCommandOptions): Promise<void> {
  const trusted = await clientOf(context, options).refresh();
  const { io, globals } = context;
  const versions = versionsOf(trusted);
  if (globals.json) io.stdout.write(jsonText(versions));
  else io.stdout.write(`${versions.map(({ role, version }) => `${role} ${version}`).join(', ')}\n`);
}

function versionsOf({ snapshot, roles }: TrustedTargets) {
  const files = [snapshot.timestamp.root, snapshot.timestamp, snapshot, roles.get(TARGETS)];
  return files.flatMap((file) =>
    file === undefined
      ? []
      : [{ role: file.role, version: file.signed.version, expires: file.signed.expires.toISOString() }],
  );
}

/** The targets in the order of the command line, by one client; the first that fails ends it. */
async function download(context: CommandContext, options: TufClientCommandOptions): Promise<void> {
  const names = options.targetName ?? [];
  if (names.length === 0) throw new UsageError('--target-name is missing');
  const base = required(options.targetBaseUrl, '--target-base-url');
  const directory = new TargetDirectory(required(options.targetDir, '--target-dir'));
  const send = fetchFrom(context, base);
  const client = clientOf(context, options);
  const { consistentSnapshot } = (await client.refresh()).snapshot.timestamp.root.signed;
  const { io, globals } = context;
  const done: object[] = [];
  for (const name of names) {
    const found = await client.find(name);
    if (found === undefined) throw new VerificationError('unsigned', TARGETS, `nobody signed a target ${name}`);
    const isThere = await directory.has(found);
    if (!isThere)
      await directory.save(found, fetchTarget(targetUrl(base, found, consistentSnapshot), found, { fetch: send }));
    if (globals.json) done.push(answer(found, directory.fileOf(found)));
    else io.stdout.write(`${directory.fileOf(found)}\n`);
  }
  if (globals.json) io.stdout.write(jsonText(done));
}

function answer({ path, role, target }: FoundTarget, file: string) {
  const hashes = Object.fromEntries([...target.hashes].map(([algorithm, bytes]) => [algorithm, encodeHex(bytes)]));
  return { target: path, file, role, length: target.length, hashes };
}
