// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadServerConfig } from '../../src/server/config/index.ts';
import { checkServer } from '../../src/server/start/index.ts';
import { SILENT_LOG } from '../../src/service/index.ts';
import { loadSignerConfig } from '../../src/signer/config/index.ts';
import { checkSigner } from '../../src/signer/start/index.ts';
import { promise } from './support/journal.ts';
import { run, succeed } from './support/processes.ts';
import { cleanEnvironment, program, repositoryRoot } from './support/programs.ts';
import { Stage } from './support/stage.ts';

const deploy = join(repositoryRoot, 'deploy');

describe('deploy/', () => {
  const stage = new Stage();
  afterAll(() => stage.close());
  const options = (cwd: string) => ({ cwd, env: cleanEnvironment({ HOME: cwd }) });

  promise('systemd understands the units, and finds them well closed', async () => {
    const directory = stage.makeDirectory('units');
    for (const name of ['hallmark-server.service', 'hallmark-signer.service', 'hallmark-engine-proxy.service']) {
      // systemd looks for the program: any that is there will do
      const text = readFileSync(join(deploy, 'systemd', name), 'utf8').replaceAll('/usr/bin/hallmark', '/bin/true');
      writeFileSync(join(directory, name), text);
      const verified = await run([program('systemd-analyze'), 'verify', `./${name}`], options(directory));
      expect(verified).toMatchObject({ code: 0, output: '' });
      const security = await run(
        [program('systemd-analyze'), 'security', '--offline=true', '--threshold=20', `./${name}`],
        options(directory),
      );
      expect(security.code).toBe(0);
    }
  });

  promise('Compose understands its file', async () => {
    const checked = await run([program('docker-compose'), 'config', '--quiet'], options(join(deploy, 'compose')));
    expect(checked).toMatchObject({ code: 0, output: '' });
  });

  promise('what prepare.sh makes is what the services of Compose need, and it is made once', async () => {
    const directory = join(stage.directory, 'compose');
    cpSync(join(deploy, 'compose'), directory, { recursive: true });
    await succeed(
      [
        '/bin/bash',
        join(directory, 'prepare.sh'),
        '--signer',
        'signer.internal',
        '--signer',
        '192.0.2.7',
        'trust.example.com',
      ],
      options(directory),
    );
    const read = (name: string) => readFileSync(join(directory, 'secrets', name), 'utf8');
    const authority = read('ca.crt');
    await succeed(['/bin/bash', join(directory, 'prepare.sh')], options(directory));
    expect(read('ca.crt')).toBe(authority);

    for (const name of ['server.yaml', 'signer.yaml']) {
      const file = join(directory, name);
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll('/run/secrets/', `${directory}/secrets/`));
    }
    const context = { env: {}, clock: () => new Date(), log: SILENT_LOG, version: '1' };
    const server = await checkServer((await loadServerConfig(join(directory, 'server.yaml'), {})).settings, context);
    const signer = await checkSigner((await loadSignerConfig(join(directory, 'signer.yaml'), {})).settings, context);
    const certificates = [...server, ...signer].filter(({ check }) => check === 'certificate');
    expect(certificates.map(({ result }) => result)).toEqual(['ok', 'ok']);
    const secrets = options(join(directory, 'secrets'));
    const verify = [program('openssl'), 'verify', '-CAfile'];
    await succeed([...verify, 'ca.crt', 'server.crt', 'signer.crt'], secrets);
    await succeed([...verify, 'client-ca.crt', 'server-client.crt'], secrets);
    // nothing else is let in at the signing service
    for (const stranger of ['server.crt', 'signer.crt']) {
      expect((await run([...verify, 'client-ca.crt', stranger], secrets)).code).not.toBe(0);
    }
    const { subjectAltName } = new X509Certificate(read('signer.crt'));
    expect(subjectAltName).toBe('DNS:signer, DNS:signer.internal, IP Address:192.0.2.7');
  });
});
