// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Io } from '../../../src/cli/index.ts';
import { runNotary } from '../../../src/cli/notary/index.ts';
import { type Listener, listen } from '../../../src/service/index.ts';
import { PrivateKey, rootCertificate } from '../../../src/signing/index.ts';
import { parseGun } from '../../../src/tuf/index.ts';
import { openTrustServer } from '../../support/open-trust-server.ts';

/** One recorded call of Notary 0.7, without what surrounded it. */
export interface Transcript {
  readonly args: readonly string[];
  readonly exit: number;
  readonly stdout: string;
  readonly stdin?: string;
}

export const TRANSCRIPTS = JSON.parse(readFileSync(join(import.meta.dir, 'transcripts.json'), 'utf8')) as Readonly<
  Record<string, Transcript>
>;

const PASSPHRASES = {
  NOTARY_ROOT_PASSPHRASE: 'root-passphrase-1',
  NOTARY_TARGETS_PASSPHRASE: 'targets-passphrase-1',
  NOTARY_SNAPSHOT_PASSPHRASE: 'snapshot-passphrase-1',
  NOTARY_DELEGATION_PASSPHRASE: 'delegation-passphrase-1',
};
const FILES: Readonly<Record<string, string>> = {
  'f1.txt': 'file number 1\n',
  'f2.txt': 'file number 2\n',
  'f3.txt': 'file number 3\n',
  'f5.txt': 'file number 5\n',
  'custom1.json': '{"a":1}',
  'custom2.json': '["b"]',
  'bad.json': '{bad',
};
const DIGESTS = new Set([
  ...Object.values(FILES).map((content) => createHash('sha256').update(content).digest('hex')),
  ...['a', 'ab', 'cd', '0'].map((part) => part.repeat(64).slice(0, 64)),
]);
const DAY = 24 * 60 * 60 * 1000;

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A trust server of its own, a directory with the files that transcripts speak of, and users with homes. */
export class TranscriptStage {
  readonly #directory: string;
  readonly #listener: Listener;
  readonly #close: () => Promise<void>;
  readonly now = new Date();

  private constructor(listener: Listener, close: () => Promise<void>) {
    this.#directory = mkdtempSync(join(tmpdir(), 'hn-'));
    this.#listener = listener;
    this.#close = close;
  }

  /** `guard` stands before the server, as an authenticating proxy would. */
  static async open(guard: (request: Request) => Response | undefined = () => undefined): Promise<TranscriptStage> {
    const server = await openTrustServer('memory', () => new Date());
    const listener = listen({
      fetch: async (request) => guard(request) ?? server.fetch(request),
      tls: 'plain',
      hostname: '127.0.0.1',
      port: 0,
    });
    const stage = new TranscriptStage(listener, server.close);
    await stage.#writeFiles();
    return stage;
  }

  async close(): Promise<void> {
    await this.#listener.stop();
    await this.#close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get server(): string {
    return this.#listener.url;
  }

  path(...names: string[]): string {
    return join(this.#directory, ...names);
  }

  write(name: string, content: string | Uint8Array): void {
    writeFileSync(this.path(name), content);
  }

  /** Runs words as `user`; names of files of the stage stand for those files. */
  async run(
    args: readonly string[],
    { user = 'tn', stdin = '', env = {} as Record<string, string> } = {},
  ): Promise<Ran> {
    const home = this.path(user);
    mkdirSync(join(home, '.notary'), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, '.notary', 'config.json'), JSON.stringify({ remote_server: { url: this.server } }));
    const out = { stdout: '', stderr: '' };
    const output = (name: keyof typeof out) => ({
      write: (content: string | Uint8Array) => {
        out[name] += typeof content === 'string' ? content : new TextDecoder().decode(content);
      },
      isTerminal: false,
      columns: 80,
    });
    const io: Io = {
      env: { HOME: home, ...PASSPHRASES, ...env },
      stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]),
      stdout: output('stdout'),
      stderr: output('stderr'),
      now: () => this.now,
      untilStopped: async () => {},
    };
    const words = args.map((word) => this.#word(word));
    return { exit: await runNotary(words, io), ...out };
  }

  /** A recorded call, run here. */
  replay({ args, stdin = '' }: Transcript, user?: string): Promise<Ran> {
    return this.run(args, { stdin, ...(user === undefined ? {} : { user }) });
  }

  /** What is different at each run made equal: addresses, places, key IDs; and the texts of help, which are our own. */
  plain(stdout: string): string {
    const placed = stdout
      .replaceAll(`${this.#directory}/`, '<dir>/')
      .replaceAll(/\/tmp\/vec\/(?:home|run)\//g, '<dir>/')
      // `key list` shows the end of a place that is long, as one below another TMPDIR may be
      .replaceAll(/(?:<dir>|\.\.\.\S*)\/\w+\/\.notary/g, '<home>/.notary')
      .replaceAll('<dir>/nodir', 'nodir')
      .replaceAll(new URL(this.server).host, '<server>')
      .replaceAll('localhost:25080', '<server>')
      .replaceAll(/[0-9a-f]{64}/g, (hex) => (DIGESTS.has(hex) ? hex : '<id>'))
      .replaceAll('<dir>/f', 'f')
      .replaceAll(/<dir>\/([a-z0-9-]+\.(?:txt|json|crt|pub|key|pem))|<dir>\/(nofile\S*)/g, '$1$2');
    const usage = /^Usage:\n.*\n/.exec(placed)?.[0];
    return usage === undefined ? placed : `${usage}…\n${/\n\* fatal: .*\n$/.exec(placed)?.[0] ?? ''}`;
  }

  #word(word: string): string {
    if (word === 'http://localhost:25999') return 'http://127.0.0.1:9';
    if (/^(?:[a-z0-9-]+\.(?:txt|json|ya?ml|toml|crt|pub|key|pem)|nofile\S*|nodir\S*|out\d)$/.test(word))
      return this.path(word);
    return word;
  }

  async #writeFiles(): Promise<void> {
    for (const [name, content] of Object.entries({ ...FILES, ...(await keyFiles()) })) this.write(name, content);
  }
}

let madeKeyFiles: Promise<Readonly<Record<string, string | Uint8Array>>> | undefined;

/** Keys and certificates, made once: they are the slow part of a stage. */
function keyFiles(): Promise<Readonly<Record<string, string | Uint8Array>>> {
  madeKeyFiles ??= makeKeyFiles();
  return madeKeyFiles;
}

async function makeKeyFiles(): Promise<Readonly<Record<string, string | Uint8Array>>> {
  const files: Record<string, string | Uint8Array> = {};
  const now = new Date();
  for (const name of ['d1', 'd2', 'e', 'r', 'releases']) {
    const key = PrivateKey.generate();
    files[`${name}.crt`] = (await rootCertificate(key, parseGun('example.com/tr/rootcert'), now)).bytes;
    files[`${name}.pub`] = createPublicKey(key.object).export({ format: 'pem', type: 'spki' });
    files[`${name}.key`] = key.object.export({ format: 'pem', type: 'sec1' });
    files[`${name}.pem`] = key.object.export({ format: 'pem', type: 'sec1' });
  }
  const longAgo = new Date(now.getTime() - 3651 * DAY);
  files['expired.crt'] = (await rootCertificate(PrivateKey.generate(), parseGun('dates'), longAgo)).bytes;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  files['rs.pem'] = privateKey.export({ format: 'pem', type: 'pkcs1' });
  return files;
}
