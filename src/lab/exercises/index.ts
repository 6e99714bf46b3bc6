// SPDX-License-Identifier: Apache-2.0
/**
 * What the lab teaches, as data: the terminal plays it, the page is written from it, and a test runs it all.
 *
 *     EXERCISES.map(({ title }, index) => `${index + 1}. ${title}`);
 */
import type { Exercise } from '../exercise.ts';
import { ATTACKS } from './attacks.ts';
import { SIGN_AND_VERIFY } from './sign-and-verify.ts';
import { THEFTS } from './thefts.ts';

export const EXERCISES: readonly Exercise[] = [...SIGN_AND_VERIFY, ...ATTACKS, ...THEFTS];
