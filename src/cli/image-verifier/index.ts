// SPDX-License-Identifier: Apache-2.0
/**
 * `hallmark-image-verifier`, or `hallmark image-verifier`: what containerd calls for each image, by the contract of its bindir
 * verifier. Exit code 0 lets the image through, anything else does not; the reason is on stdout.
 *
 *     hallmark-image-verifier -name docker.io/library/alpine:3 -digest sha256:… -stdin-media-type application/…
 */
import { type Answer, askAgent, parseQuestion, type Question, QuestionError } from '../../image-verifier/index.ts';
import type { Io } from '../io.ts';
import { oneLine } from '../one-line.ts';
import { AGENT_POLICY, AGENT_SOCKET, AGENT_STATE } from './places.ts';

const USAGE = `Usage: hallmark-image-verifier -name REFERENCE -digest sha256:DIGEST [-stdin-media-type TYPE]

containerd calls this program for each image that it pulls, from the directory of
its image verifiers. It answers by the policy: exit code 0 lets the image through,
anything else does not, and the reason is on stdout.

Environment:
  HALLMARK_AGENT_SOCKET   where hallmark agent answers (default: ${AGENT_SOCKET})
  HALLMARK_POLICY         the policy, where no agent runs (default: ${AGENT_POLICY})
  HALLMARK_STATE          what was trusted, where no agent runs (default: ${AGENT_STATE})
`;

const NOT_A_QUESTION = 2;

/** @returns 0 only for an image that the policy allows (S28: whatever goes wrong is a refusal) */
export async function runImageVerifier(argv: readonly string[], io: Io): Promise<number> {
  // also help is a call that lets nothing through
  if (argv.length === 1 && /^--?(?:h|help)$/.test(argv[0] ?? '')) {
    io.stdout.write(USAGE);
    return NOT_A_QUESTION;
  }
  try {
    const question = parseQuestion(argv);
    const socket = io.env.HALLMARK_AGENT_SOCKET || AGENT_SOCKET;
    const answer: Answer = (await askAgent(socket, question)) ?? (await alone(io, question));
    io.stdout.write(`${oneLine(answer.reason)}\n`);
    return answer.allowed ? 0 : 1;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    io.stdout.write(`not verified: ${oneLine(reason)}\n`);
    return error instanceof QuestionError ? NOT_A_QUESTION : 1;
  }
}

/** Without an agent: the same policy over the same state, loaded for this one question. */
async function alone(io: Io, question: Question): Promise<Answer> {
  return (await import('./alone.ts')).judgeAlone(io, question);
}
