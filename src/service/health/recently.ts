// SPDX-License-Identifier: Apache-2.0
import type { Check } from './health.ts';

/**
 * A check whose answer stands for a while: whoever asks in that while gets the same one, so that asking cheaply cannot be
 * made to cost others anything.
 * @param elapsed milliseconds of a clock that never goes back
 */
export function recently(check: Check, ms = 1000, elapsed: () => number = () => performance.now()): Check {
  let until = Number.NEGATIVE_INFINITY;
  let answer: Promise<void> = Promise.resolve();
  return () => {
    const now = elapsed();
    if (now >= until) {
      until = now + ms;
      answer = check();
    }
    return answer;
  };
}
