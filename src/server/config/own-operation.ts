// SPDX-License-Identifier: Apache-2.0
/** Sections of what happens beside requests: renewal, records, messages, traces. */
import { z } from 'zod';
import { address, filePath, span } from '../../service/config/index.ts';
import { isNetwork } from '../../service/index.ts';
import { WEBHOOK_EVENTS } from '../../service/webhooks/index.ts';
import { LIFETIME_DAYS } from '../../tuf/index.ts';

/** What is due again as soon as it is signed would be signed and stored without end. */
const leadOf = (role: 'timestamp' | 'snapshot') => {
  const days = LIFETIME_DAYS[role];
  return span().refine(
    (seconds) => seconds < days * 86_400,
    `is not shorter than a ${role} lives, which is ${days} days`,
  );
};

export const renewalSection = () =>
  z
    .strictObject({
      // a timestamp is good for 14 days, a snapshot for three years: time to mend what is broken
      timestamp: leadOf('timestamp').prefault('4d').meta({
        description: 'how long before its expiry a timestamp is signed anew',
      }),
      snapshot: leadOf('snapshot').prefault('30d'),
      perSecond: z.number().positive().max(1000).default(20),
      notice: span().prefault('30d').meta({ description: 'how long before something expires its publisher is told' }),
    })
    .prefault({});

/** `console: {}` is below `/console/` of the server's own address; `console: { listen: HOST:PORT }` has one of its own. */
export const consoleSection = () =>
  z
    .strictObject({ listen: address().optional() })
    .optional()
    .meta({ description: 'web pages about what the server has, with its TLS and its users' });

export const auditSection = () =>
  z
    .strictObject({ file: filePath(), name: z.string().min(1).max(200).optional() })
    .optional()
    .meta({ description: 'a file beside the table; its name tells it from those of other replicas' });

const isHttpUrl = (text: string) => /^https?:$/.test(URL.parse(text)?.protocol ?? '');

export const webhooksSection = () =>
  z
    .array(
      z.strictObject({
        name: z.string().regex(/^[\w.-]{1,64}$/, 'is up to 64 letters, digits, dots, dashes and underscores'),
        url: z.string().refine(isHttpUrl, 'is no http or https URL'),
        secretFile: filePath(),
        events: z.array(z.enum(WEBHOOK_EVENTS)).min(1).optional(),
        ca: filePath().optional(),
      }),
    )
    .default([])
    .refine((hooks) => new Set(hooks.map(({ name }) => name)).size === hooks.length, 'two of the same name');

/** What may stand before the colon of a header (RFC 9110, 5.6.2); with anything else every request would fail. */
const headerName = () => z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'is no name of a header');

export const tracingSection = () =>
  z
    .strictObject({
      endpoint: z.string().refine(isHttpUrl, 'is no http or https URL'),
      headerFiles: z.record(headerName(), filePath()).default({}).meta({ description: 'files with values of headers' }),
      ratio: z.number().min(0).max(1).default(1),
    })
    .optional()
    .meta({ description: 'OpenTelemetry over HTTP: http://127.0.0.1:4318/v1/traces' });

export const proxiesSection = () =>
  z
    .strictObject({
      addresses: z
        .array(z.string().refine(isNetwork, 'is no IP address or network'))
        .min(1)
        .meta({ description: 'addresses and networks whose headers are believed' }),
      requestIdHeader: headerName().optional(),
    })
    .optional();
