// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface MachineOptions {
  /** `/`, or the root of a machine that is looked at from outside. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: Date;
  readonly trustDirectory: string;
  /** `~/.docker`, or where DOCKER_CONFIG says. */
  readonly dockerConfig: string;
  /** Standard output of a program; undefined if it is not there or fails. */
  readonly ask: (argv: readonly string[]) => Promise<string | undefined>;
  /** The `Date` header with which a server answers; undefined if it cannot be asked. */
  readonly serverTime: (url: string) => Promise<Date | undefined>;
  /** What is asked of others about what lies here; only where the user wants that. */
  readonly online?: Online | undefined;
}

/** Questions that leave the machine. */
export interface Online {
  /** Whether anything answers at this address, whatever it says. */
  answers(url: string): Promise<boolean>;
  /** What the policy in force says of an image; absent without a policy. */
  readonly judge?: ((reference: string) => Promise<Judgement>) | undefined;
}

export interface Judgement {
  readonly outcome: 'allow' | 'deny' | 'unavailable';
  /** Why it is not allowed, in one line. */
  readonly reason: string;
}

/** What checks may see of a machine: they read, and nothing else. */
export class Machine {
  readonly env: MachineOptions['env'];
  readonly now: Date;
  readonly trustDirectory: string;
  readonly dockerConfig: string;
  readonly ask: MachineOptions['ask'];
  readonly serverTime: MachineOptions['serverTime'];
  readonly online: Online | undefined;
  readonly #root: string;

  constructor(options: MachineOptions) {
    this.#root = options.root;
    this.env = options.env;
    this.now = options.now;
    this.trustDirectory = options.trustDirectory;
    this.dockerConfig = options.dockerConfig;
    this.ask = options.ask;
    this.serverTime = options.serverTime;
    this.online = options.online;
  }

  /** A path of the machine's system, such as `/etc/docker/daemon.json`. */
  system(path: string): string {
    return join(this.#root, path);
  }

  /** The text of a file; undefined if there is none, or it cannot be read. */
  text(path: string): string | undefined {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Names in a directory, sorted; none if there is no such directory. */
  names(path: string): readonly string[] {
    try {
      return readdirSync(path).sort();
    } catch {
      return [];
    }
  }

  /** Paths of the system, such as `/etc/containerd/conf.d/a.toml`, that a pattern with `*` in its parts stands for. */
  matching(pattern: string): readonly string[] {
    return pattern
      .split('/')
      .filter((part) => part !== '')
      .reduce<readonly string[]>(
        (found, part) =>
          found.flatMap((path) => {
            if (!/[*?[]/.test(part)) return [`${path}/${part}`];
            const glob = new Bun.Glob(part);
            const names = this.names(this.system(path === '' ? '/' : path));
            return names.filter((name) => glob.match(name)).map((name) => `${path}/${name}`);
          }),
        [''],
      );
  }

  isDirectory(path: string): boolean {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  }

  /** Permission bits; undefined if there is nothing. */
  mode(path: string): number | undefined {
    const found = statSync(path, { throwIfNoEntry: false });
    return found && found.mode & 0o777;
  }
}
