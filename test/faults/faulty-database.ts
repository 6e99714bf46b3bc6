// SPDX-License-Identifier: Apache-2.0
import type { DatabaseConnection, Kysely } from 'kysely';

/** A statement fails before the database has it, or its answer is lost after the database carried it out. */
export type StatementFault = 'before' | 'after';

/**
 * Lets one statement of a database fail, `begin` and `commit` included. Works on any engine: it stands where Kysely hands
 * out connections.
 */
export class FaultyDatabase {
  /** What was sent since the last `arm`, one entry a statement. */
  statements: string[] = [];
  #fault: { readonly statement: number; readonly mode: StatementFault } | undefined;

  // biome-ignore lint/suspicious/noExplicitAny: whatever tables there are
  constructor(database: Kysely<any>) {
    const executor = database.getExecutor();
    const provide = executor.provideConnection.bind(executor);
    Object.defineProperty(executor, 'provideConnection', {
      value: <T>(consumer: (connection: DatabaseConnection) => Promise<T>) =>
        provide((connection) => consumer(this.#between(connection))),
    });
  }

  arm(statement: number, mode: StatementFault): void {
    this.statements = [];
    this.#fault = { statement, mode };
  }

  /** Whether the fault struck. */
  disarm(): boolean {
    const struck = this.#fault !== undefined && this.statements.length >= this.#fault.statement;
    this.#fault = undefined;
    return struck;
  }

  #between(connection: DatabaseConnection): DatabaseConnection {
    const execute: DatabaseConnection['executeQuery'] = async (query, ...rest) => {
      this.statements.push(query.sql);
      const mode = this.statements.length === this.#fault?.statement ? this.#fault.mode : undefined;
      // an engine that lost the answer to `begin` has lost the connection, and the transaction with it
      const isBegin = /^(?:begin|start transaction)/i.test(query.sql);
      if (mode === 'before' || (mode === 'after' && isBegin)) throw lost(query.sql);
      const result = await connection.executeQuery<never>(query, ...rest);
      if (mode === 'after') throw lost(query.sql);
      return result;
    };
    return Object.assign(Object.create(connection), { executeQuery: execute });
  }
}

function lost(sql: string): Error {
  return new Error(`injected: connection lost at ${sql.slice(0, 40)}`);
}
