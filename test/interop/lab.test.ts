// SPDX-License-Identifier: Apache-2.0
import { describe, expect } from 'bun:test';
import { promise } from './support/journal.ts';
import { run } from './support/processes.ts';
import { cleanEnvironment, hallmarkProgram, repositoryRoot } from './support/programs.ts';
import { Session } from './support/pty.ts';

const options = { env: cleanEnvironment({ NO_COLOR: '1' }), cwd: repositoryRoot };

describe('hallmark lab', () => {
  promise('in a terminal each command waits for its reader, and an exercise can be repeated or left', async () => {
    const session = new Session([...hallmarkProgram(), 'lab', '--exercise', 'trust-on'], options);
    for (const time of ['once', 'again']) {
      for (const who of ['mallory', 'bob']) {
        await session.expect(new RegExp(`${who}\\$ hallmark [^\\n]*\\n[^\\n]*\\[Enter\\] runs it `));
        session.send('\r');
      }
      await session.expect(/ok refused: there is no trust data for it/);
      await session.expect(/r repeats, q stops /);
      session.send(time === 'once' ? 'r\r' : 'q\r');
    }
    await session.expect(/2 exercises: everything went as it should/);
    expect(await session.exit()).toBe(0);
  });

  promise('plays all by itself where there is no terminal', async () => {
    const { code, stdout } = await run([...hallmarkProgram(), 'lab', '--auto'], options);
    expect(stdout).toContain('13 exercises: everything went as it should.');
    expect(stdout).not.toContain('FAILED');
    expect(code).toBe(0);
  });

  promise('lists the exercises, and refuses one that it does not have', async () => {
    const listed = await run([...hallmarkProgram(), 'lab', '--list', '--json'], options);
    expect(JSON.parse(listed.stdout)).toHaveLength(13);
    expect(await run([...hallmarkProgram(), 'lab', '--exercise', '99'], options)).toMatchObject({ code: 2 });
  });
});
