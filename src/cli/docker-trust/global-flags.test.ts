// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { takeGlobalFlags } from './global-flags.ts';

const ENV = { DOCKER_HOST: 'unix:///old.sock', HOME: '/home/me' };

describe('flags of docker before the command', () => {
  test('--config, --host and TLS say what the variables say', () => {
    const argv = ['--config', '/etc/docker', '-H=tcp://a:1', '--tlsverify', '--tlscacert=/tls/ca.pem', 'trust', 'sign'];
    const { env, rest } = takeGlobalFlags(argv, ENV);
    expect(env).toEqual({
      HOME: '/home/me',
      DOCKER_CONFIG: '/etc/docker',
      DOCKER_HOST: 'tcp://a:1',
      DOCKER_TLS_VERIFY: '1',
      DOCKER_CERT_PATH: '/tls',
    });
    expect(rest).toEqual(['trust', 'sign']);
  });

  test('--context comes before a host of the environment', () => {
    const { env } = takeGlobalFlags(['-c', 'remote', '-D', '-l', 'debug', 'trust'], ENV);
    expect(env).toMatchObject({ DOCKER_CONTEXT: 'remote', DOCKER_HOST: undefined });
  });

  test('flags after the command are the command’s', () => {
    expect(takeGlobalFlags(['trust', 'revoke', '-y', 'x'], ENV)).toEqual({
      env: ENV,
      rest: ['trust', 'revoke', '-y', 'x'],
    });
    expect(takeGlobalFlags(['--help'], ENV).rest).toEqual(['--help']);
  });

  test('what is switched off is not switched on', () => {
    expect(takeGlobalFlags(['--tls=false', 'trust'], ENV).env).toEqual(ENV);
  });

  test('a flag that does not exist or has no value ends as with Docker', () => {
    expect(() => takeGlobalFlags(['--bogus', 'trust'], ENV)).toThrow('unknown flag: --bogus');
    expect(() => takeGlobalFlags(['-x', 'trust'], ENV)).toThrow("unknown shorthand flag: 'x' in -x");
    expect(() => takeGlobalFlags(['--config'], ENV)).toThrow('flag needs an argument: --config');
  });

  test('a TLS file in another place than Docker’s is not left out silently', () => {
    expect(() => takeGlobalFlags(['--tlskey', '/tls/my-key.pem', 'trust'], ENV)).toThrow('must be called key.pem');
  });
});
