// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** Says that what stands at a key is wrong. The rest is still looked at, so that everything wrong is told at once. */
export type Refuse = (path: readonly string[], message: string) => void;

/** The settings that `translate` makes of what a schema let through; none where it refused anything, or gives none. */
export function translatedBy<Given, Settings>(
  shape: z.ZodType<Given>,
  translate: (given: Given, refuse: Refuse) => Settings | undefined,
) {
  return shape.transform((given, context): Settings => {
    let failed = false;
    const settings = translate(given, (path, message) => {
      failed = true;
      context.addIssue({ code: 'custom', path: [...path], message });
    });
    return failed || settings === undefined ? z.NEVER : settings;
  });
}
