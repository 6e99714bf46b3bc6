// SPDX-License-Identifier: Apache-2.0
/**
 * Puts itself in the place of `bun:sqlite`: its statements are counted with the calls of `faulty-fs.ts`, and fail as those do. What
 * the database writes for one statement it does itself, not through `node:fs`, and as a whole or not at all.
 */
import * as real from 'bun:sqlite';
import { mock } from 'bun:test';
import { failAfter, failBefore, modeOf } from './faulty-fs.ts';

const CALLS = ['run', 'all', 'get', 'values', 'iterate'] as const;

type Call = (...args: never[]) => unknown;

/** As a full disk fails. */
function injected(name: string): Error {
  const error = new Error(`injected into ${name}: database or disk is full`);
  // the driver's class knows its errors by their name, and cannot be constructed
  return Object.assign(error, { name: 'SQLiteError', code: 'SQLITE_FULL' });
}

function counted(sql: string, call: Call): Call {
  return (...args) => {
    const name = `sqlite ${sql.trim().split(/\s/, 3).join(' ')}`;
    const mode = modeOf(name);
    // a transaction that could not begin has not begun
    const isBegin = /^begin/i.test(sql);
    failBefore(mode === 'after' && isBegin ? 'before' : mode, name, injected);
    const result = call(...args);
    failAfter(mode, name, injected);
    return result;
  };
}

class FaultyDatabase extends real.Database {
  readonly #known = new WeakSet<object>();

  override run(sql: string, ...args: never[]): real.Changes {
    return counted(sql, super.run.bind(this, sql) as Call)(...args) as real.Changes;
  }

  override query<Row, Params extends real.SQLQueryBindings | real.SQLQueryBindings[]>(sql: string) {
    return this.#counting(sql, super.query<Row, Params>(sql));
  }

  override prepare<Row, Params extends real.SQLQueryBindings | real.SQLQueryBindings[]>(sql: string) {
    return this.#counting(sql, super.prepare<Row, Params>(sql));
  }

  /** The driver begins and commits beside the statements. */
  override transaction<This, Args extends unknown[], Result>(work: (this: This, ...args: Args) => Result) {
    let mode: ReturnType<typeof modeOf>;
    const real = super.transaction(function (this: This, ...args: Args) {
      const result = work.apply(this, args);
      mode = modeOf('sqlite commit');
      failBefore(mode, 'sqlite commit', injected);
      return result;
    });
    const around = (how: 'deferred' | 'immediate' | 'exclusive') =>
      function (this: This, ...args: Args): Result {
        const begin = modeOf('sqlite begin');
        failBefore(begin === 'after' ? 'before' : begin, 'sqlite begin', injected);
        mode = undefined;
        const result = real[how].apply(this, args) as Result;
        failAfter(mode, 'sqlite commit', injected);
        return result;
      };
    const [deferred, immediate, exclusive] = [around('deferred'), around('immediate'), around('exclusive')];
    return Object.assign(deferred, { default: deferred, deferred, immediate, exclusive });
  }

  #counting<S extends object>(sql: string, statement: S): S {
    if (this.#known.has(statement)) return statement;
    this.#known.add(statement);
    for (const name of CALLS) {
      const call = (statement as Record<string, Call>)[name] as Call;
      Object.defineProperty(statement, name, { value: counted(sql, call.bind(statement)) });
    }
    return statement;
  }
}

mock.module('bun:sqlite', () => ({ ...real, Database: FaultyDatabase, default: FaultyDatabase }));
