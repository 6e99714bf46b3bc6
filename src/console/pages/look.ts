// SPDX-License-Identifier: Apache-2.0
import type { Checks } from '../checks.ts';
import type { Query } from '../query.ts';
import type { ConsoleSource, Visitor } from '../source.ts';

/** One request for a page, by somebody who was let in. */
export interface Look {
  readonly source: ConsoleSource;
  readonly checks: Checks;
  readonly visitor: Visitor;
  readonly query: Query;
  readonly now: Date;
}
