// SPDX-License-Identifier: Apache-2.0
import type { CompiledQuery } from 'kysely';

/**
 * A statement that is put into words once, with marks in the place of its values: to word one takes as long as the rest of what
 * this process does for a look-up, and leaves more behind to be collected.
 */
export class StatementTemplate<Row> {
  readonly #statement: CompiledQuery<Row>;
  /** For each parameter which of the values it is. */
  readonly #places: readonly number[];

  /** @param marks what stands in the statement for each value, and nowhere else; a value may stand in several places */
  constructor(statement: CompiledQuery<Row>, marks: readonly symbol[]) {
    this.#statement = statement;
    this.#places = statement.parameters.map((parameter) => marks.indexOf(parameter as symbol));
    if (this.#places.includes(-1)) throw new Error(`a parameter of "${statement.sql}" is no mark`);
  }

  fill(values: readonly unknown[]): CompiledQuery<Row> {
    return { ...this.#statement, parameters: this.#places.map((place) => values[place]) };
  }
}
