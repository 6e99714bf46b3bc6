// SPDX-License-Identifier: Apache-2.0
import { lstatSync, readFileSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { loadPins, type TrustPinning, trustPinning } from '../../client/index.ts';
import type { KeyId } from '../../tuf/index.ts';
import type { Io } from '../io.ts';
import type { TlsFiles } from '../tls-files.ts';
import type { FlagValues } from './command-line.ts';
import { fileProblem, NotaryError } from './errors.ts';

/** What holds for one call: flags before the configuration file before defaults (reference 11.1). */
export interface Settings {
  readonly trustDir: string;
  readonly server: string;
  readonly tls: TlsFiles;
  readonly pinning: TrustPinning;
}

const DEFAULT_SERVER = 'https://notary-server:4443';

type Section = Readonly<Record<string, unknown>>;

/** @throws NotaryError */
export function loadSettings(io: Io, flags: FlagValues): Settings {
  const home = io.env.HOME ?? '';
  const given = flags.text('configFile');
  const file = given ?? join(home, '.notary', 'config.json');
  const config = readConfig(file, given !== undefined);
  const remote = section(config, 'remote_server');
  if (value(remote, 'skiptlsverify') === true)
    throw new NotaryError(
      'remote_server.skipTLSVerify is refused: name the authority of the trust server with remote_server.root_ca',
    );
  const named = flags.text('trustDir') ?? text(config, 'trust_dir') ?? '~/.notary';
  const trustDir = resolve(named.replace(/^~(?=\/|$)/, home));
  return {
    trustDir,
    server: flags.text('server') ?? text(remote, 'url') ?? DEFAULT_SERVER,
    // files that only a call to the server needs are read only then
    get tls() {
      return tlsFiles(flags, remote, dirname(resolve(file)));
    },
    get pinning() {
      return bothPinnings(
        pinningOf(pinningSection(config, 'trust_pinning')),
        trustPinning(trustDir, loadPins(trustDir)),
      );
    },
  };
}

/** What a configuration file of notary pins. @throws NotaryError */
export function loadNotaryPinning(path: string): TrustPinning {
  return pinningOf(pinningSection(readConfig(path, true), 'trust_pinning'));
}

/** What the configuration pins, beside what `hallmark pin` keeps in the trust directory: of one name, the former holds. */
function bothPinnings(configured: TrustPinning, kept: TrustPinning): TrustPinning {
  const names = [...(configured.certs?.keys() ?? [])];
  const keys = [...(kept.keys ?? [])].filter(([name]) => !names.includes(name));
  return {
    trustOnFirstUse: configured.trustOnFirstUse && kept.trustOnFirstUse,
    certs: new Map([...(kept.certs ?? []), ...(configured.certs ?? [])]),
    keys: new Map(keys),
    ca: new Map([...(kept.ca ?? []), ...(configured.ca ?? [])]),
  };
}

/** JSON, YAML or TOML by the file's ending; a default file that is not there is empty. */
function readConfig(path: string, isRequired: boolean): Section {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if (!isRequired && isAbsent(error, path)) return {};
    throw new NotaryError(`error opening config file: ${fileProblem(error, path).message}`, { cause: error });
  }
  try {
    const parsed: unknown = parseConfig(extname(path).toLowerCase(), content);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Error('not an object');
    return parsed as Section;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new NotaryError(`error opening config file: While parsing config: ${reason}`, { cause });
  }
}

/** A link to nowhere is no file that is absent: what it pins would be passed over (S28). */
function isAbsent(error: unknown, path: string): boolean {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return isMissing && lstatSync(path, { throwIfNoEntry: false }) === undefined;
}

function parseConfig(ending: string, content: string): unknown {
  switch (ending) {
    case '.yaml':
    case '.yml':
      return Bun.YAML.parse(content);
    case '.toml':
      return Bun.TOML.parse(content);
    default:
      return JSON.parse(content);
  }
}

/** Names of settings are compared without regard to case, as the original does; names of GUNs are not. */
function value(object: Section, name: string): unknown {
  const spelled = Object.keys(object).find((key) => key.toLowerCase() === name);
  return spelled === undefined ? undefined : object[spelled];
}

function section(object: Section, name: string): Section {
  const found = value(object, name);
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Section) : {};
}

function text(object: Section, name: string): string | undefined {
  const found = value(object, name);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/** Files of flags lie by the current directory, those of the configuration file by that file. */
function tlsFiles(flags: FlagValues, remote: Section, base: string): TlsFiles {
  const path = (flag: string, name: string): string | undefined => {
    const given = flags.text(flag);
    const configured = text(remote, name);
    return given ?? (configured === undefined ? undefined : resolve(base, configured));
  };
  const [ca, cert, key] = [
    path('tlscacert', 'root_ca'),
    path('tlscert', 'tls_client_cert'),
    path('tlskey', 'tls_client_key'),
  ];
  if ((cert === undefined) !== (key === undefined))
    throw new NotaryError('either pass both client key and cert, or neither');
  return {
    ...(ca === undefined ? {} : { ca: [read(ca)] }),
    ...(cert === undefined || key === undefined ? {} : { cert: read(cert), key: read(key) }),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileProblem(error, path);
  }
}

/** Pins by GUN in their exact spelling: the original lowers the case, and a pin with capitals never holds (W pinning). */
function pinningOf(pinning: Section): TrustPinning {
  const certs = Object.entries(pinningSection(pinning, 'certs', 'trust_pinning.')).map(
    ([gun, ids]): [string, readonly KeyId[]] => {
      if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string'))
        throw new NotaryError('invalid format for trust_pinning.certs');
      return [gun, ids as KeyId[]];
    },
  );
  const ca = Object.entries(pinningSection(pinning, 'ca', 'trust_pinning.')).map(([gun, path]): [string, string] => [
    gun,
    authorities(path),
  ]);
  return {
    trustOnFirstUse: !isOn(value(pinning, 'disable_tofu'), 'trust_pinning.disable_tofu'),
    certs: new Map(certs),
    ca: new Map(ca),
  };
}

/** Pins of another form must not pass for none. @throws NotaryError */
function pinningSection(object: Section, name: string, above = ''): Section {
  const found = value(object, name) ?? {};
  if (typeof found !== 'object' || Array.isArray(found)) throw new NotaryError(`invalid format for ${above}${name}`);
  return found as Section;
}

/** A switch, which the original takes as a text too; what is neither on nor off is refused. */
function isOn(given: unknown, name: string): boolean {
  const text = String(given ?? false);
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw new NotaryError(`invalid format for ${name}: neither true nor false`);
}

/** A file that cannot be read holds no authority: whatever it would have pinned is then refused. */
function authorities(path: unknown): string {
  try {
    return readFileSync(String(path), 'utf8');
  } catch {
    return '';
  }
}
