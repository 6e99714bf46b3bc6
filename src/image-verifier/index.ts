// SPDX-License-Identifier: Apache-2.0
/**
 * containerd's image verifier: a program that is asked about every image that is pulled, and an agent on the same machine
 * that keeps what was verified and answers for it. Neither decides anything that the policy does not.
 *
 *     const answer = (await askAgent(socket, question)) ?? (await judge(engine, question));
 *     process.exitCode = answer.allowed ? 0 : 1;
 */
export { agentHandler } from './agent.ts';
export { askAgent } from './ask.ts';
export { judge } from './judge.ts';
export { type Answer, parseQuestion, type Question, QuestionError } from './question.ts';
