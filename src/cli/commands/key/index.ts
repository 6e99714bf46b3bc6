// SPDX-License-Identifier: Apache-2.0

/**
 * `hallmark key …`: what a publisher does with private keys, from making one to losing a machine. Each command is loaded
 * when it is called. None of them ever prints a private key that is not encrypted, a passphrase or a PIN.
 *
 *     addKeyCommands(program, globals);
 *     // hallmark key generate --role root
 *     // hallmark key rotate example.com/app targets
 *     // hallmark key backup keys.backup --shares 5 --needed 3 --page page.html
 */
import type { Command } from 'commander';
import { collect } from '../../collect.ts';
import type { CommandContext } from '../../context.ts';

type Globals = () => CommandContext;

export function addKeyCommands(program: Command, globals: Globals): void {
  const key = program.command('key').description('make, keep, move and replace signing keys');
  addStoreCommands(key, globals);
  addFileCommands(key, globals);
  addRotationCommands(key, globals);
  addBackupCommands(key, globals);
}

function addStoreCommands(key: Command, globals: Globals): void {
  key
    .command('list')
    .description('list the keys of the trust directory, and of tokens that are asked for')
    .action(async () => (await import('./list.ts')).listKeys(globals()));
  key
    .command('generate')
    .description('make a key, as an encrypted file or in the token given by --token')
    .option('--role <role>', 'root, targets, snapshot, or the name of a signer', 'root')
    .option('--gun <gun>', 'the repository of a targets or snapshot key')
    .option('--algorithm <name>', 'ecdsa, ed25519 or rsa', 'ecdsa')
    .option('--output <file>', 'write the public key to a new file')
    .action(async (options) => (await import('./generate.ts')).generateKey(globals(), options));
  key
    .command('passwd <keyid>')
    .description('change the passphrase of a key file')
    .option('--new-passphrase-file <file>', 'the new passphrase (default: asked for on the terminal)')
    .option('--new-passphrase-fd <fd>', 'the same from an open file descriptor')
    .action(async (keyId, options) => (await import('./passwd.ts')).changePassphrase(globals(), keyId, options));
  key
    .command('remove <keyid>')
    .description('destroy a private key, after telling what can no longer be signed')
    .option('-y, --yes', 'do not ask for confirmation')
    .action(async (keyId, options) => (await import('./remove.ts')).removeKey(globals(), keyId, options));
}

function addFileCommands(key: Command, globals: Globals): void {
  key
    .command('import <file...>')
    .description('take private keys from PEM files: of Notary, Docker, OpenSSL or an export')
    .option('--role <role>', 'what the keys are for (default: what the file says, else a delegation)')
    .option('--gun <gun>', 'the repository of targets and snapshot keys')
    .action(async (files, options) => (await import('./import.ts')).importKeys(globals(), files, options));
  key
    .command('export [keyid...]')
    .description('write key files as one encrypted PEM file, as notary does; all keys unless some are named')
    .option('--gun <gun>', 'the keys of one repository')
    .option('-o, --output <file>', 'a new file (default: standard output)')
    .action(async (keyIds, options) => (await import('./export.ts')).exportKeys(globals(), keyIds, options));
  key
    .command('certificate <gun> <keyid>')
    .description('make a certificate of your root key for a repository, to be given to whoever rotates its root')
    .option('-o, --output <file>', 'a new file (default: standard output)')
    .action(async (gun, keyId, options) =>
      (await import('./certificate.ts')).writeCertificate(globals(), gun, keyId, options),
    );
}

function addRotationCommands(key: Command, globals: Globals): void {
  key
    .command('rotate <gun> <role...>')
    .description('give root, targets, snapshot or timestamp other keys, and publish at once')
    .option('--server-managed', 'the server makes and keeps the key: timestamp always, snapshot if you like')
    .option('--key <keyid|file>', 'a key to take instead of a new one, in its file or stored; repeatable', collect)
    .option('--threshold <n>', 'how many of the keys must sign (default: as many as now)')
    .option('--keep-old', 'keep the replaced private keys of targets and snapshot on this machine')
    .option('--stage <file>', 'write the signed change into a new file for others to sign, and publish nothing')
    .action(async (gun, roles, options) => (await import('./rotate.ts')).rotateKeys(globals(), gun, roles, options));
  key
    .command('renew-certificate <gun>')
    .description('publish new certificates for the same root keys, before the old ones expire')
    .action(async (gun) => (await import('./renew-certificate.ts')).renewCertificate(globals(), gun));
}

function addBackupCommands(key: Command, globals: Globals): void {
  key
    .command('backup <file>')
    .description('write all key files into one encrypted file, opened by a passphrase or by shares')
    .option('--shares <n>', 'split the secret into so many shares, instead of a passphrase')
    .option('--needed <m>', 'how many of the shares restore the backup')
    .option('--page <file>', 'a page to print, .html or .txt: keys, date, how to restore, and one share on each sheet')
    .action(async (file, options) => (await import('./backup.ts')).backupKeys(globals(), file, options));
  key
    .command('restore <file>')
    .description('put all keys of a backup back; keys that differ are never overwritten')
    .option('--share <text|file>', 'a share, better in a file than as text; repeatable (default: asked for)', collect)
    .action(async (file, options) => (await import('./restore.ts')).restoreBackup(globals(), file, options));
}
