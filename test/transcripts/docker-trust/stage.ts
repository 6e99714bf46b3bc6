// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { runDockerTrust } from '../../../src/cli/docker-trust/index.ts';
import { type Io, runProgram } from '../../../src/cli/index.ts';
import { digestOf, embeddedRegistry, MemoryRegistryStorage, RegistryClient } from '../../../src/registry/index.ts';
import { type Listener, listen } from '../../../src/service/index.ts';
import { encodeKeyFile, PrivateKey, rootCertificate, sealKey } from '../../../src/signing/index.ts';
import { parseGun } from '../../../src/tuf/index.ts';
import { openTrustServer } from '../../support/open-trust-server.ts';
import { type Outcome, Placeholders, type Step } from './transcript.ts';

const PASSPHRASES = {
  DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: 'root-passphrase-1',
  DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: 'repository-passphrase-1',
};
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** A registry and a trust server in this process, and people with a home each, for one transcript. */
export class TranscriptStage {
  readonly placeholders: Placeholders;
  readonly #directory: string;
  readonly #registry: Listener;
  readonly #trust: Listener;
  readonly #closeServer: () => Promise<void>;
  #isDown = false;

  private constructor(directory: string, registry: Listener, trust: Listener, close: () => Promise<void>) {
    this.#directory = directory;
    this.#registry = registry;
    this.#trust = trust;
    this.#closeServer = close;
    this.placeholders = new Placeholders({
      registry: `localhost:${registry.port}`,
      server: `localhost:${trust.port}`,
      work: this.#work,
      home: directory,
    });
  }

  static async open(): Promise<TranscriptStage> {
    const server = await openTrustServer('memory', () => new Date());
    const images = embeddedRegistry(new MemoryRegistryStorage());
    const on = (fetch: (request: Request) => Promise<Response>) =>
      listen({ fetch, tls: 'plain', hostname: '127.0.0.1', port: 0 });
    const directory = mkdtempSync(join(tmpdir(), 'hm-transcript-'));
    mkdirSync(join(directory, 'work'));
    const registry = on(async (request) => images.fetch(request));
    return new TranscriptStage(directory, registry, on(server.fetch), () => server.close());
  }

  async close(): Promise<void> {
    await Promise.all([this.#registry.stop(), this.#trust.stop()]);
    await this.#closeServer();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Prepares a step and runs its command, as a new process would. */
  async run(step: Step): Promise<Outcome> {
    const extra: Record<string, string> = {};
    for (const [verb = '', ...words] of step.directives) await this.#prepare(step, verb, words, extra);
    const shown = { stdout: '', stderr: '', terminal: '' };
    const output = (name: 'stdout' | 'stderr') => ({
      write(text: string) {
        shown[name] += text;
        shown.terminal += text;
      },
      isTerminal: false,
      columns: 120,
    });
    const isAsked = step.typed !== undefined || step.piped.length > 0 || 'ASK' in extra;
    const io: Io = {
      env: { ...this.#environment(step.person), ...(isAsked ? {} : PASSPHRASES), ...extra },
      cwd: this.#work,
      stdin: step.typed === undefined ? Readable.from(step.piped.map((line) => `${line}\n`)) : terminal(step.typed),
      stdout: output('stdout'),
      stderr: output('stderr'),
      now: () => new Date(),
      untilStopped: () => Promise.resolve(),
    };
    const argv = step.argv.map((word) => this.placeholders.fill(word));
    const code = await runDockerTrust(['trust', ...argv], io);
    const named = (text: string) => this.placeholders.apply(text);
    return {
      code,
      stdout: named(shown.stdout),
      stderr: named(shown.stderr),
      terminal: step.typed === undefined ? undefined : named(shown.terminal),
    };
  }

  get #work(): string {
    return join(this.#directory, 'work');
  }

  #environment(person: string): Record<string, string> {
    return {
      HOME: join(this.#directory, person),
      DOCKER_CONFIG: join(this.#directory, person, '.docker'),
      DOCKER_HOST: `unix://${this.#directory}/no-engine.sock`,
      DOCKER_CONTENT_TRUST_SERVER: this.#isDown ? 'http://localhost:1' : `http://localhost:${this.#trust.port}`,
    };
  }

  async #prepare(step: Step, verb: string, words: readonly string[], extra: Record<string, string>): Promise<void> {
    const [first = '', second = '', third = ''] = words;
    switch (verb) {
      case 'image':
        return this.#image(first, words.slice(1).join(' '));
      case 'index':
        return this.#index(first, words.slice(1).join(' '));
      case 'login':
        return this.#login(step.person, first);
      case 'plain':
        return this.#plain(step.person, first);
      case 'newkey':
        return this.#newKey(first, second);
      case 'certificate':
        return this.#certificate(first);
      case 'key':
        return this.#keyFile(first, words.slice(2).join(' '), second);
      case 'mode':
        return chmodSync(join(this.#work, first), Number.parseInt(second, 8));
      case 'file':
        return writeFileSync(join(this.#work, first), `${words.slice(1).join(' ')}\n`, { mode: 0o600 });
      case 'env':
        extra[first.slice(0, first.indexOf('='))] = first.slice(first.indexOf('=') + 1);
        return;
      case 'ask':
        extra.ASK = '1';
        return;
      case 'server':
        this.#isDown = first === 'down';
        return;
      default:
        throw new Error(`unknown directive ${verb} ${third}`);
    }
  }

  /** A key file of openssl's making, named as in the vectors. */
  #keyFile(file: string, name: string, mode: string): void {
    const vectors = JSON.parse(readFileSync(join(import.meta.dir, '../../vectors/keys/openssl.json'), 'utf8'));
    const found = [...vectors.readable, ...vectors.refused].find((key: { name: string }) => key.name === name);
    if (found === undefined) throw new Error(`no key vector ${name}`);
    writeFileSync(join(this.#work, file), found.text, { mode: Number.parseInt(mode, 8) });
    if (found.spki === undefined) return;
    const pem = `-----BEGIN PUBLIC KEY-----\n${found.spki}\n-----END PUBLIC KEY-----\n`;
    writeFileSync(join(this.#work, `${file}.pub`), pem);
  }

  /** A key of node's making: `ec`, `ec384` or `rsa` in their own form, `pkcs8`, or `pkcs8-sha1` closed as Notary does. */
  async #newKey(file: string, kind: string): Promise<void> {
    const rsa = kind === 'rsa';
    const pair = rsa
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: kind === 'ec384' ? 'secp384r1' : 'prime256v1' });
    const type = kind === 'pkcs8' ? 'pkcs8' : rsa ? 'pkcs1' : 'sec1';
    const text =
      kind === 'pkcs8-sha1'
        ? encodeKeyFile(await sealKey(PrivateKey.generate(), { role: 'ivan' }, 'repository-passphrase-1'))
        : pair.privateKey.export({ format: 'pem', type } as never);
    writeFileSync(join(this.#work, file), text, { mode: 0o600 });
    writeFileSync(join(this.#work, `${file}.pub`), pair.publicKey.export({ format: 'pem', type: 'spki' }));
  }

  async #certificate(file: string): Promise<void> {
    const { bytes } = await rootCertificate(PrivateKey.generate(), parseGun('dave'), new Date(Date.now() - 60_000));
    writeFileSync(join(this.#work, file), bytes);
  }

  /** Signs a tag as `docker push` would: in `targets`, in a repository that has no delegations. */
  async #plain(person: string, name: string): Promise<void> {
    let told = '';
    const silent = {
      write: (text: string) => {
        told += text;
      },
      isTerminal: false,
      columns: 80,
    };
    const io = {
      env: { ...this.#environment(person), ...PASSPHRASES },
      stdin: Readable.from([]),
      stdout: silent,
      stderr: silent,
      now: () => new Date(),
      untilStopped: () => Promise.resolve(),
    };
    const code = await runProgram('hallmark', ['sign', `localhost:${this.#registry.port}/${name}`], io);
    if (code !== 0) throw new Error(`cannot sign ${name}: ${told}`);
  }

  #login(person: string, user: string): void {
    const auth = Buffer.from(`${user}:secret`).toString('base64');
    const config = join(this.#directory, person, '.docker');
    mkdirSync(config, { recursive: true });
    writeFileSync(
      join(config, 'config.json'),
      JSON.stringify({ auths: { [`localhost:${this.#registry.port}`]: { auth } } }),
    );
  }

  async #image(name: string, content: string): Promise<void> {
    const [path = '', tag = ''] = name.split(':');
    await this.#putManifest(path, tag, content);
  }

  async #index(name: string, content: string): Promise<void> {
    const [path = '', tag = ''] = name.split(':');
    const part = await this.#putManifest(path, `${tag}-part`, content);
    const platform = { os: 'linux', architecture: 'amd64' };
    const index = { schemaVersion: 2, mediaType: INDEX, manifests: [{ ...part, platform }] };
    await this.#client().putManifest(path, tag, INDEX, new TextEncoder().encode(JSON.stringify(index)));
  }

  async #putManifest(path: string, tag: string, content: string) {
    const config = new TextEncoder().encode(JSON.stringify({ os: 'linux', architecture: 'amd64', content }));
    const client = this.#client();
    const descriptor = {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: digestOf(config),
      size: config.length,
    };
    await client.uploadBlob(path, descriptor, async function* () {
      yield config;
    });
    const text = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: descriptor, layers: [] });
    const bytes = new TextEncoder().encode(text);
    const digest = await client.putManifest(path, tag, MANIFEST, bytes);
    return { mediaType: MANIFEST, digest, size: bytes.length };
  }

  #client(): RegistryClient {
    return new RegistryClient({ host: `localhost:${this.#registry.port}` });
  }
}

/** A terminal on which everything is typed ahead; when nothing is left, it ends. */
function terminal(lines: readonly string[]): Io['stdin'] {
  const stdin = new EventEmitter();
  let isTyped = false;
  stdin.on('newListener', (event: string) => {
    if (event !== 'end') return;
    queueMicrotask(() => {
      if (isTyped) stdin.emit('end');
      else stdin.emit('data', lines.map((line) => `${line}\r`).join(''));
      isTyped = true;
    });
  });
  const calls = { setRawMode: () => undefined, resume: () => undefined, pause: () => undefined };
  return Object.assign(stdin, { isTTY: true, ...calls }) as unknown as Io['stdin'];
}
