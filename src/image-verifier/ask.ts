// SPDX-License-Identifier: Apache-2.0
import type { Answer, Question } from './question.ts';

/** containerd gives a verifier ten seconds: an answer that comes later is none. */
const ASK_MILLISECONDS = 8000;

/**
 * Asks the agent of this machine; undefined if none listens there. An agent that listens and does not answer, or answers
 * anything but a plain yes or no, is an error: nothing is let through on its account.
 */
export async function askAgent(socket: string, question: Question): Promise<Answer | undefined> {
  let response: Response;
  try {
    response = await fetch('http://agent/decide', {
      method: 'POST',
      body: JSON.stringify(question),
      unix: socket,
      signal: AbortSignal.timeout(ASK_MILLISECONDS),
    });
  } catch (error) {
    if (isNobody(error)) return undefined;
    throw error;
  }
  if (response.status !== 200) throw new Error(`the agent answered ${response.status}`);
  const answer = (await response.json()) as Partial<Answer> | null;
  if (typeof answer?.allowed !== 'boolean' || typeof answer.reason !== 'string')
    throw new Error('the agent gave no answer');
  return { allowed: answer.allowed, reason: answer.reason };
}

/** No socket, or one that was left behind. */
function isNobody(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === 'ENOENT' || code === 'FailedToOpenSocket' || code === 'ECONNREFUSED' || code === 'ConnectionRefused';
}
