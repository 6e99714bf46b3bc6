// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { succeed } from './processes.ts';
import { cleanEnvironment, program } from './programs.ts';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const DAYS = ['-days', '3650'];

async function openssl(directory: string, ...args: string[]): Promise<void> {
  await succeed([program('openssl'), ...args], { env: cleanEnvironment({ HOME: directory }), cwd: directory });
}

/** Makes ca.crt and ca.key in `directory`, and NAME.crt and NAME.key for localhost for each of `names`. */
export async function makeCertificates(directory: string, names: readonly string[]): Promise<void> {
  await openssl(directory, 'req', '-x509', ...NEW_KEY, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test-ca');
  const extensions = 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n';
  writeFileSync(join(directory, 'extensions'), extensions);
  for (const name of names) {
    const [key, request, certificate] = [`${name}.key`, `${name}.csr`, `${name}.crt`];
    await openssl(directory, 'req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
    const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions'];
    await openssl(directory, 'x509', '-req', '-in', request, '-out', certificate, ...authority, ...DAYS);
  }
}

/** Makes the key of a delegation and a self-signed certificate for it: paths NAME.key and NAME.crt. */
export async function makeDelegationKey(directory: string, name: string): Promise<{ key: string; crt: string }> {
  const [key, crt] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)];
  await openssl(directory, 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key);
  await openssl(
    directory,
    'req',
    '-x509',
    '-new',
    '-sha256',
    '-key',
    key,
    '-out',
    crt,
    '-subj',
    `/CN=${name}`,
    ...DAYS,
  );
  return { key, crt };
}

/**
 * Makes the root key of somebody else and its certificate for a GUN, as a publisher must be handed it: paths NAME.key
 * and NAME.crt.
 */
export async function makeRootKey(directory: string, name: string, gun: string): Promise<{ key: string; crt: string }> {
  const [key, crt] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)];
  const config = join(directory, `${name}.cnf`);
  writeFileSync(
    config,
    `[req]\nprompt=no\ndistinguished_name=name\nx509_extensions=leaf\n[name]\nCN=${gun}\n` +
      '[leaf]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n',
  );
  await openssl(directory, 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key);
  await openssl(directory, 'req', '-x509', '-new', '-sha256', '-config', config, '-key', key, '-out', crt, ...DAYS);
  return { key, crt };
}
