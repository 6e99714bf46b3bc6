// SPDX-License-Identifier: Apache-2.0
import type { Io } from './io.ts';

/**
 * One program under several names: `docker` (the docker CLI with content trust), `docker-trust` (its plugin), `notary`,
 * `notary-server`, `notary-signer`, `hallmark-image-verifier` (containerd's), and everything else is `hallmark`. `hallmark
 * notary …` and the like are the same without a link.
 * @returns the exit code of the face chosen: 0, 1, 2 or 3 for hallmark, those of the originals for the others
 */
export async function runProgram(name: string, argv: readonly string[], io: Io): Promise<number> {
  const face = faceOf(name);
  const [first, ...rest] = argv;
  if (face === 'hallmark' && first !== undefined && FACES.has(first)) return runProgram(first, rest, io);
  switch (face) {
    case 'docker-trust':
      return (await import('./docker-trust/index.ts')).runDockerTrust(argv, io);
    case 'notary':
      return (await import('./notary/index.ts')).runNotary(argv, io);
    case 'docker':
      return (await import('./docker/index.ts')).runDockerFace(argv, io);
    case 'notary-server':
    case 'notary-signer':
      return (await import('./notary-services/index.ts')).runNotaryService(face, argv, io);
    case 'image-verifier':
      return (await import('./image-verifier/index.ts')).runImageVerifier(argv, io);
    case 'hallmark':
      return (await import('./run.ts')).run(argv, io);
    default:
      return face satisfies never;
  }
}

type Face = 'hallmark' | 'docker' | 'docker-trust' | 'notary' | 'notary-server' | 'notary-signer' | 'image-verifier';

const FACES: ReadonlyMap<string, Face> = new Map([
  ['docker', 'docker'],
  ['docker-trust', 'docker-trust'],
  ['notary', 'notary'],
  ['notary-server', 'notary-server'],
  ['notary-signer', 'notary-signer'],
  ['image-verifier', 'image-verifier'],
  ['hallmark-image-verifier', 'image-verifier'],
]);

function faceOf(name: string): Face {
  return FACES.get(name.replace(/\.exe$/i, '')) ?? 'hallmark';
}
