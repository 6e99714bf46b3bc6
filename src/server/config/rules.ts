// SPDX-License-Identifier: Apache-2.0
import { MAX_LISTEN_SECONDS } from '../../service/index.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { DEFAULT_BUDGETS } from '../request-limits.ts';
import { renewalSection } from './own-operation.ts';
import type { OperationSettings, ServerLimits } from './settings.ts';

/** Rules that both forms of the configuration have in common. */
export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  update: DEFAULT_LIMITS,
  idleSeconds: 60,
  drainSeconds: 20,
  stopDelaySeconds: 0,
  rates: DEFAULT_BUDGETS,
};

/** What Notary's form has no words for: as our own has it where nothing is said. */
export const DEFAULT_OPERATION: OperationSettings = { renewal: renewalSection().parse(undefined), webhooks: [] };

/** Seconds after a body's time in which its answer has to begin. */
export const ANSWER_SECONDS = 55;
export const MAX_BODY_SECONDS = MAX_LISTEN_SECONDS - ANSWER_SECONDS;

/** The longest that the original takes: a year of 365 days. */
export const MAX_CACHE_SECONDS = 31_536_000;
