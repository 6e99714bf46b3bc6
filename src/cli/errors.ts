// SPDX-License-Identifier: Apache-2.0
import { DownloadError, TrustDirectoryError } from '../client/index.ts';
import { ChangelistError, PublishError } from '../publisher/index.ts';
import { CredentialsError, ImageFileError, InvalidReferenceError, RegistryError } from '../registry/index.ts';
import { KeyStoreError, PrivateKeyError, PublicKeyFileError } from '../signing/index.ts';
import { MetadataError, VerificationError } from '../tuf/index.ts';
import { ExitCode } from './exit-codes.ts';
import { RefusedByPolicy } from './refused-by-policy.ts';
import { UNKNOWN_AUTHORITY } from './tls-files.ts';
import { PartialFailure, UsageError } from './usage-error.ts';

export interface Failure {
  readonly exitCode: ExitCode;
  /** One line: the cause, with Docker's words where Docker has some. */
  readonly message: string;
  /** The command or setting that mends it, where there is one. */
  readonly hint?: string | undefined;
}

/** What an error means to the user, for the repository `subject`; `called` is the command whose help tells more. */
export function failureOf(error: unknown, subject: string, called = 'hallmark'): Failure {
  if (error instanceof VerificationError) return { exitCode: ExitCode.notTrusted, ...untrusted(error, subject) };
  if (error instanceof UsageError || error instanceof InvalidReferenceError) {
    return { exitCode: ExitCode.usage, message: error.message, hint: `see '${called} --help'` };
  }
  if (error instanceof RegistryError && isForged(error)) {
    return {
      exitCode: ExitCode.notTrusted,
      message: `error: ${error.message}`,
      hint: 'the registry, or somebody before it, serves other content than was signed: nothing was kept',
    };
  }
  if (error instanceof RefusedByPolicy) return refused(error);
  if (error instanceof PartialFailure) return { exitCode: error.exitCode, message: error.message };
  return { exitCode: ExitCode.failed, ...failed(error, subject) };
}

/** Content that is not what its digest says was had, and is bad: that is no failure to get it (property 4). */
function isForged({ code }: RegistryError): boolean {
  return code === 'digest-mismatch' || code === 'length-mismatch';
}

function refused({ message, outcome }: RefusedByPolicy): Failure {
  const hint = 'see what was looked at with: hallmark policy explain REFERENCE';
  return { exitCode: outcome === 'deny' ? ExitCode.notTrusted : ExitCode.failed, message: `Error: ${message}`, hint };
}

/** Docker's texts (reference 10.5). */
function untrusted(error: VerificationError, subject: string): { message: string; hint?: string } {
  const { message } = error;
  switch (error.code) {
    case 'unsigned':
      return error.role === 'root' || error.role === 'timestamp'
        ? {
            message: `Error: remote trust data does not exist for ${subject}: ${message}`,
            hint: `sign it with: hallmark push ${subject}:TAG, or name its trust server with --server`,
          }
        : { message };
    case 'expired':
      return {
        message: `Error: remote repository ${subject} out-of-date: ${message}`,
        hint: 'its publisher, or the trust server for timestamp and snapshot, must sign it anew',
      };
    case 'rollback':
      return {
        message: `Warning: potential malicious behavior - trust data version is lower than expected for remote repository ${subject}: ${message}`,
      };
    case 'threshold':
      return {
        message: `Warning: potential malicious behavior - trust data has insufficient signatures for remote repository ${subject}: ${message}`,
      };
    case 'unmet-pin':
      return { message: `Error: could not validate the path to a trusted root: ${message}` };
    case 'root-chain':
    case 'unusable-root-key':
    case 'hash-mismatch':
    case 'length-mismatch':
    case 'malformed':
      return {
        message: `Warning: potential malicious behavior - trust data mismatch for remote repository ${subject}: ${message}`,
      };
    default:
      return error.code satisfies never;
  }
}

function failed(error: unknown, subject: string): { message: string; hint?: string | undefined } {
  if (error instanceof DownloadError) {
    if (error.code === 'unreachable' || error.code === 'timeout' || error.code === 'unavailable') {
      return {
        message: `Error: error contacting notary server: ${error.message}`,
        hint: UNKNOWN_AUTHORITY.has(codeOf(error.cause))
          ? 'its certificate is of an authority that is not known here: name it with --ca FILE'
          : 'name the trust server with --server URL or DOCKER_CONTENT_TRUST_SERVER',
      };
    }
    return { message: `error: ${error.message}` };
  }
  if (error instanceof PublishError && error.code === 'no-signing-key') {
    const message = `Error: signing keys for remote repository ${subject} not found: ${error.message}`;
    return { message, hint: signingKeyHint(error, subject) };
  }
  if (error instanceof KeyStoreError)
    return {
      message: `error: ${error.message}`,
      hint: error.code === 'wrong-passphrase' ? PASSPHRASE_PLACES : error.remedy,
    };
  if (error instanceof TrustDirectoryError)
    return { message: `error: ${error.message}`, hint: trustDirectoryHint(error) };
  if (isExpected(error)) return { message: `error: ${error.message}`, hint: hintOf(error, subject) };
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
  return { message: `error: internal error: ${reason}`, hint: 'run again with HALLMARK_DEBUG=1 and report it' };
}

const PASSPHRASE_PLACES =
  'a passphrase is taken from --passphrase-file and --passphrase-fd, else from the environment, else from the terminal';

function signingKeyHint({ roles: [role], keyIds, needed }: PublishError, subject: string): string {
  return role !== undefined && keyIds.length === 0 && needed !== undefined
    ? `give the role a key: hallmark delegation add ${subject} ${role} KEYFILE`
    : 'import the key, or let others sign as well: stage with --stage FILE, then hallmark cosign FILE';
}

function delegationHint({ roles }: PublishError, subject: string): string {
  const own = `sign with the repository's own key: hallmark sign --role targets ${subject}:TAG`;
  return roles.length === 0
    ? `no delegation may sign that tag: widen one with hallmark delegation add ${subject} targets/NAME --path PREFIX, or ${own}`
    : `import the key of one of ${roles.join(', ')}, stage with --stage FILE where several must sign, or ${own}`;
}

/** What is missing, and how it gets there. */
function hintOf(error: Error, subject: string): string | undefined {
  const code = codeOf(error);
  if (error instanceof PublishError && code === 'conflict' && error.roles.length > 0)
    return `it is published already, or somebody published meanwhile: look with hallmark inspect ${subject}, and stage it anew if it is wanted still`;
  if (error instanceof PublishError && code === 'no-delegation-key') return delegationHint(error, subject);
  if (error instanceof MetadataError && /^invalid role name/.test(error.message))
    return 'who else may sign does so in a role called targets/NAME, such as targets/alice';
  if (error.name === 'ListenError' && codeOf(error.cause) === 'EADDRINUSE')
    return 'another program listens there: end it, or listen elsewhere';
  if (error.name === 'DataDirectoryInUseError') return 'end it, or give this one a directory of its own with --data';
  if (error instanceof RegistryError)
    return code === 'not-found' && subject !== ''
      ? `put it there, and sign it, with: hallmark push ${subject}:TAG`
      : undefined;
  if (error.name !== 'EngineError') return undefined;
  if (code === 'unreachable')
    return 'name the engine with DOCKER_HOST or docker context; push --from and pull --output do without one';
  if (/^An image does not exist locally/.test(error.message))
    return 'name it so with docker tag IMAGE NAME:TAG, or push --from oci:DIR or docker-archive:FILE';
  return undefined;
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

/** Errors of parts that only some commands load: to import their classes here would load them for every command. */
const EXPECTED_NAMES = new Set([
  'AuditFileError',
  'AuthenticationSetupError',
  'ConfigError',
  'ConflictError',
  'ConversionError',
  'DataDirectoryInUseError',
  'DatabaseAddressError',
  'DatabaseOpenError',
  'EngineError',
  'GunPrefixError',
  'ImportError',
  'ListenError',
  'MigrationError',
  'MissingPassphraseError',
  'NetworkError',
  'PolicyError',
  'RemoteSignerError',
  'SecretFileError',
  'ServiceKeyError',
  'SigningServiceTlsError',
  'TableCopyError',
  'TlsError',
  'WebhookSecretError',
]);

function isExpected(error: unknown): error is Error {
  if (error instanceof PublishError || error instanceof RegistryError || error instanceof ImageFileError) return true;
  if (error instanceof CredentialsError || error instanceof MetadataError) return true;
  if (error instanceof ChangelistError) return true;
  if (error instanceof PrivateKeyError || error instanceof PublicKeyFileError) return true;
  return error instanceof Error && (EXPECTED_NAMES.has(error.name) || ('code' in error && 'syscall' in error));
}

function trustDirectoryHint({ code, path }: TrustDirectoryError): string {
  return code === 'unwritable'
    ? `make room, or give another place with --trust-dir`
    : `see to ${path}, or give another place with --trust-dir`;
}
