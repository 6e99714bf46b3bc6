// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { filePath } from '../../service/config/index.ts';
import type { AuthSettings } from './settings.ts';

const shape = z.strictObject({
  type: z.enum(['none', 'token']).meta({ description: 'has to be said: nobody is let in by omission' }),
  token: z
    .strictObject({
      realm: z.string().min(1),
      service: z.string().min(1),
      issuer: z.string().min(1),
      rootCertBundle: filePath(),
      autoRedirect: z.boolean().default(false),
    })
    .optional(),
});

/** `auth: { type: token, token: { … } }` */
export const authSection = () =>
  shape.transform((given, context): AuthSettings => {
    const { type, token } = given;
    if (type === 'none') {
      if (token !== undefined) context.addIssue({ code: 'custom', path: ['token'], message: 'is not for type none' });
      return { type };
    }
    if (token !== undefined) return { type, ...token };
    context.addIssue({ code: 'custom', path: ['token'], message: 'is missing' });
    return z.NEVER;
  });
