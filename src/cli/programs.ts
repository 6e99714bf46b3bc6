// SPDX-License-Identifier: Apache-2.0
import type { Io } from './io.ts';

/**
 * One program under several names: `docker-trust` (Docker's CLI plugin), `notary`, `notary-server`, `notary-signer`, and
 * everything else is `hallmark`. `hallmark notary …` and so on are the same without a link.
 * @returns the exit code of the face chosen: 0, 1, 2 or 3 for hallmark, those of the originals for the others
 */
export async function runProgram(name: string, argv: readonly string[], io: Io): Promise<number> {
  const face = faceOf(name);
  const [first, ...rest] = argv;
  if (face === 'hallmark' && first !== undefined && isOtherFace(first)) return runProgram(first, rest, io);
  switch (face) {
    case 'docker-trust':
      return (await import('./docker-trust/index.ts')).runDockerTrust(argv, io);
    case 'notary':
      return (await import('./notary/index.ts')).runNotary(argv, io);
    case 'notary-server':
    case 'notary-signer':
      return (await import('./notary-services/index.ts')).runNotaryService(face, argv, io);
    case 'hallmark':
      return (await import('./run.ts')).run(argv, io);
    default:
      return face satisfies never;
  }
}

const OTHER_FACES = ['docker-trust', 'notary', 'notary-server', 'notary-signer'] as const;
type OtherFace = (typeof OTHER_FACES)[number];

function isOtherFace(name: string): name is OtherFace {
  return OTHER_FACES.some((face) => face === name);
}

function faceOf(name: string): OtherFace | 'hallmark' {
  const plain = name.replace(/\.exe$/i, '');
  return isOtherFace(plain) ? plain : 'hallmark';
}
