// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { collect } from '../../collect.ts';
import type { CommandContext } from '../../context.ts';
import { AGENT_SOCKET, AGENT_STATE } from '../../image-verifier/places.ts';

const OPERATIONS = ['--operations <host:port>', 'where /live, /ready and /metrics are'] as const;

/** Services that make engines obey the policy. */
export function addEnforcementCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('agent')
    .description('answer the image verifiers of this machine, by the policy, over a socket')
    .option('--socket <path>', 'where the verifiers ask', AGENT_SOCKET)
    .option('--state <dir>', 'where what was trusted is remembered', AGENT_STATE)
    .option(...OPERATIONS)
    .action(async (options) => (await import('./agent.ts')).agent(globals(), options));
  addEngineCommands(program, globals);
  program
    .command('admission')
    .description('admit to a Kubernetes cluster only what the policy allows, by the digest that was signed')
    .requiredOption('--tls-cert <file>', 'certificate of the webhook')
    .requiredOption('--tls-key <file>', 'its key')
    .option('--listen <host:port>', 'where the API server asks', '0.0.0.0:8443')
    .option('--state <dir>', 'where what was trusted is remembered; keep it', '/var/lib/hallmark/admission')
    .option(...OPERATIONS)
    .option('--validate-only', 'admit or refuse, and change nothing')
    .option('--owner-rule', 'what a controller makes of an admitted object is admitted, after asking the cluster')
    .option('--image-path <group/kind=path>', 'where other kinds name their images; repeatable', collect)
    .action(async (options) => (await import('./admission.ts')).admission(globals(), options));
}

const ENGINE = [
  '--engine <host>',
  "the engine behind it, as DOCKER_HOST names it (default: the docker CLI's)",
] as const;
const STATE = ['--state <dir>', 'where what was trusted is remembered; keep it'] as const;

function addEngineCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('engine-proxy')
    .description("a Docker socket before the engine's: what is not trusted is neither pulled nor run")
    .option('--listen <address>', 'unix:///PATH, or tcp://HOST:PORT with TLS', 'unix:///run/hallmark/docker.sock')
    .option('--socket-mode <mode>', 'who may connect to the socket', '660')
    .option(...ENGINE)
    .option(...STATE, '/var/lib/hallmark/engine-proxy')
    .option(...OPERATIONS)
    .addOption(
      new Option('--builds <manner>', 'pass: as they are; judge: from signed images, with the classic builder alone')
        .choices(['pass', 'judge'])
        .default('pass'),
    )
    .option('--tls-cert <file>', 'certificate for tcp://')
    .option('--tls-key <file>', 'its key')
    .option('--client-ca <file>', 'authority of the certificates that clients must have')
    .option('--install-context [name]', 'make a Docker context that leads to it, and end')
    .action(async (options) => (await import('./engine-proxy.ts')).engineProxy(globals(), options));
  program
    .command('engine-authz')
    .description(
      'an authorization plugin of the Docker engine that refuses what is not trusted: dockerd --authorization-plugin=hallmark',
    )
    .option('--socket <path>', 'where the engine asks', '/run/docker/plugins/hallmark.sock')
    .option(...ENGINE)
    .option(...STATE, '/var/lib/hallmark/engine-authz')
    .option(...OPERATIONS)
    .action(async (options) => (await import('./engine-proxy.ts')).engineAuthz(globals(), options));
}
