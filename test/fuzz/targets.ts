// SPDX-License-Identifier: Apache-2.0

import { notaryV1, tufV1 } from '../../src/tuf/index.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { CONFIG_TARGETS } from './targets/configs.ts';
import { fuzzDialect, notaryFiles, notaryPromises, simulatedFiles } from './targets/dialects.ts';
import { ENCODING_TARGETS } from './targets/encoding.ts';
import { IMAGE_TARGETS } from './targets/images.ts';
import { KEY_TARGETS } from './targets/keys.ts';
import { POLICY_TARGETS } from './targets/policies.ts';
import { STATE_TARGETS } from './targets/state.ts';

/** Every reader of foreign bytes. A new dialect, file format or request gets its line here. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...ENCODING_TARGETS,
  ...KEY_TARGETS,
  ...IMAGE_TARGETS,
  ...STATE_TARGETS,
  ...POLICY_TARGETS,
  ...CONFIG_TARGETS,
  ...fuzzDialect(notaryV1, notaryFiles, notaryPromises),
  ...fuzzDialect(tufV1, simulatedFiles),
];
