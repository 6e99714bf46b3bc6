// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import { type AuditLine, type ChainHead, verifyAuditFile } from '../../../service/audit/index.ts';
import type { CommandContext } from '../../context.ts';
import type { Io } from '../../io.ts';
import { jsonText } from '../../json-text.ts';
import { table } from '../../table.ts';
import { UsageError } from '../../usage-error.ts';
import { type AuditFilter, type FilterOptions, parseFilter } from './filter.ts';
import { jsonOf, rowOf, TITLES } from './rows.ts';
import { type AuditView, FileView, openConfiguredView, openTableView } from './views.ts';

export interface AuditOptions extends FilterOptions {
  readonly data?: string;
  readonly config?: string;
  readonly file?: readonly string[];
  readonly follow?: boolean;
  readonly verify?: boolean;
}

const POLL_MS = 1000;

/** `hallmark audit`: the entries of a trust server's audit log, from its database or from the files that it writes. */
export async function audit(context: CommandContext, options: AuditOptions): Promise<void> {
  const { io, globals } = context;
  if ([options.data, options.config, options.file].filter((place) => place !== undefined).length !== 1) {
    throw new UsageError('one of --config FILE, --data DIR and --file FILE says where the audit log is');
  }
  if (options.verify) return verify(context, options);
  const filter = parseFilter(options, io.now());
  const view = await viewOf(options, io);
  try {
    const lines = await view.last(filter);
    print(io, lines, globals.json, true);
    if (options.follow) await follow(io, view, filter, globals.json);
  } finally {
    await view.close();
  }
}

async function viewOf({ data, config, file = [] }: AuditOptions, io: Io): Promise<AuditView> {
  if (config !== undefined) return openConfiguredView(config, io.env);
  return data === undefined ? new FileView(file) : openTableView(data);
}

async function follow(io: Io, view: AuditView, filter: AuditFilter, json: boolean | undefined): Promise<void> {
  const stopped = new AbortController();
  const stopping = io.untilStopped().then(() => stopped.abort());
  while (!stopped.signal.aborted) {
    print(io, (await view.more()).filter(filter.matches), json, false);
    await Promise.race([stopping, pause(POLL_MS, undefined, { signal: stopped.signal }).catch(() => {})]);
  }
}

function print(io: Io, lines: readonly AuditLine[], json: boolean | undefined, isFirst: boolean): void {
  if (json) {
    for (const line of lines) io.stdout.write(jsonText(jsonOf(line), 0));
  } else if (lines.length > 0) {
    io.stdout.write(table([...(isFirst ? [TITLES] : []), ...lines.map(rowOf)]));
  } else if (isFirst) {
    io.stderr.write('nothing is recorded that fits\n');
  }
}

/** That the files, laid end to end, are whole. @throws AuditFileError */
async function verify({ io, globals }: CommandContext, { file }: AuditOptions): Promise<void> {
  if (file === undefined) throw new UsageError('--verify checks files: name them with --file FILE');
  let before: ChainHead | undefined;
  const reports = [];
  for (const path of file) {
    const report = await verifyAuditFile(path, before);
    before = report.head;
    reports.push({ file: path, ...report });
  }
  if (globals.json) {
    io.stdout.write(jsonText(reports));
    return;
  }
  for (const { file: path, entries, start, head } of reports) {
    io.stdout.write(`${path}: ${entries} entries after ${start.position}, whole up to ${head.position} ${head.hash}\n`);
  }
}
