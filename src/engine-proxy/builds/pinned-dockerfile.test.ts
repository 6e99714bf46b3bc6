// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { failureOf } from '../../../test/support/refusals.ts';
import { AmbiguousRequestError } from '../request-head.ts';
import { pinDockerfile } from './pinned-dockerfile.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

/** The Dockerfile as the engine gets it, and the images that were asked about. */
async function pinned(text: string, given: Record<string, string | undefined> = {}) {
  const asked: string[] = [];
  const result = await pinDockerfile(Buffer.from(text), new Map(Object.entries(given)), async (image) => {
    asked.push(image);
    return `${image}@${DIGEST}`;
  });
  return { asked, text: Buffer.from(result).toString() };
}

describe('images of a Dockerfile', () => {
  const expectAsked = async (text: string, images: readonly string[], given: Record<string, string> = {}) =>
    expect((await pinned(text, given)).asked).toEqual([...images]);

  test('are those of FROM and COPY --from that are no stage of the build', async () => {
    const text = [
      'FROM golang:1.22 AS Build',
      'COPY --from=alpine:3 --chown=1:1 /etc/passwd /etc/',
      'FROM build as second',
      'FROM scratch',
      'COPY --from=build /a /a',
      'COPY --from=0 /a /b',
      'COPY --from=second /a /c',
      '',
    ].join('\n');
    expect(await pinned(text)).toEqual({
      asked: ['golang:1.22', 'alpine:3'],
      text: text.replace('golang:1.22', `golang:1.22@${DIGEST}`).replace('alpine:3', `alpine:3@${DIGEST}`),
    });
  });

  test('stand in the same lines as before', async () => {
    const { text } = await pinned('# one\nFROM \\\n  app:1 \\\n# why\n  AS x\nRUN true\n');
    expect(text).toBe(`# one\nFROM app:1@${DIGEST} AS x\n\n\n\nRUN true\n`);
  });

  test('have the arguments that stand before the first FROM, and those given to the build', async () => {
    const text = 'ARG REG=registry.example.com\nARG TAG="1"\nARG NAME=$REG/app\nFROM $NAME:$TAG';
    await expectAsked(text, ['registry.example.com/app:1']);
    await expectAsked(text, ['registry.example.com/app:2'], { TAG: '2' });
    await expectAsked(`ARG A\nFROM app:$${'{A:-3}'}`, ['app:3']);
    await expectAsked(`ARG A\nFROM app:1$${'{A:+-slim}'}`, ['app:1-slim'], { A: 'x' });
    await expectAsked("ARG A='$B'\nARG B=1\nFROM app:$B", ['app:1']);
    await expectAsked('FROM app:1\nARG TAG=2\nFROM app:$TAG$TAG', ['app:1', 'app:']);
  });

  test('are written out with their arguments where they are stages, so that the engine knows no other', async () => {
    const { text, asked } = await pinned(`ARG A=one\nFROM app:1 AS one\nFROM $A AS two\nFROM $${'{C:-scratch}'}`);
    expect(asked).toEqual(['app:1']);
    expect(text).toBe(`ARG A=one\nFROM app:1@${DIGEST} AS one\nFROM one AS two\nFROM scratch`);
  });

  test('may have a platform, and keep it', async () => {
    expect((await pinned('FROM --platform=$BUILDPLATFORM app:1 AS x')).text).toBe(
      `FROM --platform=$BUILDPLATFORM app:1@${DIGEST} AS x`,
    );
  });

  test('are found whatever letters, line ends, marks and escape character the file has', async () => {
    await expectAsked('\ufefffrom app:1\r\nrun true\r\n', ['app:1']);
    await expectAsked('# syntax=docker/dockerfile:1\n# escape=`\nFROM `\n app:1\nRUN a\\\nFROM app:2', [
      'app:1',
      'app:2',
    ]);
    await expectAsked('FROM a:1\nRUN echo \\\n  # no\n\n  b\nFROM c:1', ['a:1', 'c:1']);
    await expectAsked('FROM app:1\nRUN cat <<<x\nLABEL a="FROM evil"\n', ['app:1']);
  });
});

describe('a Dockerfile that could be read in two ways is refused', () => {
  for (const [what, text] of [
    ['an argument that is quoted in some other way', 'ARG A="a\\"b"\nFROM app:$A'],
    ['a modifier that not every version knows', `ARG A=1.2\nFROM app:$${'{A%.*}'}`],
    ['a name in quotes', 'FROM "app:1"'],
    ['a name with an escape', 'FROM app\\:1'],
    ['two escape characters at the end of a line', 'FROM app:1\nRUN a \\\\\nFROM evil:1'],
    ['an instruction after a comment inside of another', 'FROM app:1\nRUN a \\\n  # x\nFROM evil:1'],
    ['an escape directive after a comment', '# hello\n# escape=`\nFROM app:1'],
    ['an escape directive in another spelling', '#  Escape = `\nFROM app:1'],
    ['a here document', 'FROM app:1\nRUN <<EOF\nFROM evil:1\nEOF'],
    ['a here document of a trigger', 'FROM app:1\nONBUILD RUN cat <<-"X"\nFROM evil:1\nX'],
    ['a mount', 'FROM app:1\nRUN --mount=type=bind,from=evil:1 true'],
    ['a flag that is not known', 'FROM --base=evil app:1'],
    ['two sources', 'FROM app:1\nCOPY --from=a:1 --from=evil:1 a b'],
    ['a source from a variable', 'FROM app:1\nARG X=evil\nCOPY --from=$X a b'],
    ['a source in quotes', 'FROM app:1\nCOPY --from="evil:1" a b'],
    ['a flag in quotes', 'FROM app:1\nCOPY --fr"om"=evil:1 a b'],
    ['a flag with an escape', 'FROM app:1\nCOPY --\\from=evil:1 a b'],
    ['a flag of a trigger in quotes', 'FROM app:1\nONBUILD COPY --fr"om"=evil:1 a b'],
    ['a mount in quotes', "FROM app:1\nRUN --mo'unt'=type=bind,from=evil:1 true"],
    ['the own stage for a source', 'FROM app:1 AS evil\nCOPY --from=evil a b'],
    ['the own stage by its number', 'FROM app:1\nCOPY --from=0 a b'],
    ['a source after the end of the flags', 'FROM app:1\nCOPY -- --from=evil:1 a b'],
    ['a stage in other letters', 'FROM app:1 AS x\nCOPY --from=X a b'],
    ['a stage that comes later', 'FROM app:1\nCOPY --from=1 a b\nFROM app:2'],
    ['a number for an image', 'FROM 1'],
    ['a stage called scratch', 'FROM app:1 AS scratch\nFROM scratch'],
    ['more than a FROM has', 'FROM app:1 AS x evil:1'],
    ['a trigger that copies from an image', 'FROM app:1\nONBUILD COPY --from=evil:1 a b'],
    ['a trigger of a FROM', 'FROM app:1\nONBUILD FROM evil:1'],
    ['a space that is none to all', 'FROM\u00a0evil:1'],
    ['a carriage return inside of a line', 'FROM app:1\nRUN a\rFROM evil:1'],
    ['bytes that are no text', 'FROM app:1\nRUN \ud800'],
  ] as const) {
    test(what, async () => {
      const bytes = text.endsWith('\ud800')
        ? Buffer.concat([Buffer.from('FROM app:1\nRUN '), Buffer.from([0xff])])
        : Buffer.from(text);
      const pinning = pinDockerfile(bytes, new Map(), async (image) => `${image}@${DIGEST}`);
      expect(await failureOf(pinning)).toBeInstanceOf(AmbiguousRequestError);
    });
  }

  test('an argument that is given and nowhere declared: some need no declaration', async () => {
    for (const text of [`FROM $${'{HTTP_PROXY:-scratch}'}`, `ARG A=$HTTP_PROXY\nFROM app:1$A`])
      expect(await failureOf(pinned(text, { HTTP_PROXY: 'evil:1' }))).toBeInstanceOf(AmbiguousRequestError);
  });

  test('a value that only the engine knows', async () => {
    expect(await failureOf(pinned('ARG A=1\nFROM app:$A', { A: undefined }))).toBeInstanceOf(AmbiguousRequestError);
  });
});

/** Images of FROM and COPY --from as another, simpler reader finds them: comments and gaps taken out, then lines joined. */
function simply(text: string): readonly string[] {
  const mark = text.startsWith('# escape=`') ? '`' : '\\\\';
  const plain = `${text}\n`.replaceAll('\r\n', '\n').replace(/^[ \t]*(?:#.*)?\n/gm, '');
  const joined = plain.replace(new RegExp(`${mark}[ \\t]*(?:\\n|$)`, 'g'), '').split('\n');
  return joined.flatMap((line) => {
    const from = /^\s*from\s+(?:--\S+\s+)*(\S+)/i.exec(line)?.[1];
    const copied = /^\s*copy\s+(?:--\S+\s+)*--from=(\S+)/i.exec(line)?.[1];
    return [from, copied].filter((image) => image !== undefined && !/^(?:x|scratch|\d+)$/.test(image)) as string[];
  });
}

test('S24 property: whatever a Dockerfile holds, the engine gets one whose images are all by digest', async () => {
  const piece = fc.constantFrom(
    'FROM app:1',
    'FROM app:1 AS x',
    'FROM x',
    'FROM scratch',
    'COPY --from=x a b',
    'COPY --from=evil:1 a b',
    'COPY a b',
    'RUN a',
    'from evil:1',
    ' FROM evil:2',
    'ARG A=1',
    'FROM app:$A',
    '# FROM c',
    '# escape=`',
    'ONBUILD RUN a',
    '\\',
    '`',
    '<<E',
    '\n',
    '\n',
    '\n',
    ' ',
    '\r',
    '\\\n',
    '`\n',
    '"',
    '--from=evil:3',
    '\t',
  );
  const dockerfile = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));
  await fc.assert(
    fc.asyncProperty(dockerfile, async (text) => {
      const result = await pinned(text).catch((error: unknown) => {
        expect(error).toBeInstanceOf(AmbiguousRequestError);
        return undefined;
      });
      if (result === undefined) return;
      const byDigest = result.asked.map((image) => `${image}@${DIGEST}`);
      expect(simply(result.text)).toEqual(byDigest);
      expect((await pinned(result.text)).asked).toEqual(byDigest);
    }),
    { numRuns: 1500 },
  );
});
