// SPDX-License-Identifier: Apache-2.0
import type { Scenario } from './scenario.ts';
import { auditFileScenarios } from './scenarios/audit-file.ts';
import { clientScenarios } from './scenarios/client.ts';
import { enforcementScenarios } from './scenarios/enforcement.ts';
import { keyScenarios } from './scenarios/keys.ts';
import { otherFileScenarios } from './scenarios/other-files.ts';

/** Every kind of file that is written. */
export const SCENARIOS: readonly Scenario[] = [
  ...clientScenarios,
  ...keyScenarios,
  ...auditFileScenarios,
  ...enforcementScenarios,
  ...otherFileScenarios,
];
