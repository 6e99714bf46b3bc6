// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { filePath, span, translatedBy } from '../../service/config/index.ts';
import type { AuthSettings } from './settings.ts';

const token = z.strictObject({
  realm: z.string().min(1).meta({ description: 'URL where clients ask for tokens' }),
  service: z.string().min(1).meta({ description: 'whom tokens are for' }),
  issuer: z.string().min(1).meta({ description: 'who gives them' }),
  certificates: filePath().optional().meta({ format: 'path', description: 'PEM: Notary calls it rootcertbundle' }),
  jwks: filePath().optional().meta({ format: 'path', description: 'JSON Web Key Set' }),
  jwksUrl: z.string().min(1).optional(),
  autoRedirect: z.boolean().default(false),
  skew: span().prefault('60s').meta({ description: 'by how much the clocks of both servers may differ' }),
  publicRead: z.boolean().default(false),
});

const rule = z.strictObject({
  users: z.array(z.string()).default([]).meta({ description: '* is every user' }),
  groups: z.array(z.string()).default([]),
  gun: z.string().min(1).meta({ description: 'a GUN, or a prefix that ends in /*, or * for all' }),
  allow: z.array(z.enum(['pull', 'push', '*'])).min(1),
});

const htpasswd = z.strictObject({
  file: filePath(),
  url: z.string().min(1).optional().meta({ description: 'of this server as clients know it' }),
  service: z.string().min(1).optional(),
  tokenKey: filePath().optional().meta({ format: 'path', description: 'PEM: needed where several replicas run' }),
  publicRead: z.boolean().default(false),
  groups: z.record(z.string(), z.array(z.string())).default({}),
  rules: z.array(rule).default([]),
  defaultAccess: z.enum(['all', 'read', 'none']).optional(),
});

const shape = z.strictObject({
  type: z.enum(['none', 'token', 'htpasswd']).meta({ description: 'has to be said: nobody is let in by omission' }),
  token: token.optional(),
  htpasswd: htpasswd.optional(),
});

/** `auth: { type: token, token: { … } }` */
export const authSection = () =>
  translatedBy(shape, (given, refuse): AuthSettings | undefined => {
    const { type } = given;
    for (const other of ['token', 'htpasswd'] as const) {
      if (other !== type && given[other] !== undefined) refuse([other], `is not for type ${type}`);
    }
    if (type === 'none') return { type };
    if (type === 'token' && given.token !== undefined) return { type, ...given.token };
    if (type === 'htpasswd' && given.htpasswd !== undefined) return { type, ...given.htpasswd };
    refuse([type], 'is missing');
    return undefined;
  });
