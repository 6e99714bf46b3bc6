// SPDX-License-Identifier: Apache-2.0
import { type Exercise, type Image, isRun, type Names, type Step } from './exercise.ts';

const DIGESTS: Readonly<Record<Image, string>> = {
  good: 'sha256:600d…',
  better: 'sha256:be77…',
  evil: 'sha256:e411…',
};

const ENDINGS = { done: '', failed: ' (exit code 1)', refused: ' (exit code 3)' } as const;

const HEAD = `# Distribution and Trust: the lab

Written by \`npm run docs\` from the exercises themselves: what is shown here is what \`hallmark lab\` runs.

\`\`\`console
$ hallmark lab                 # in a terminal: one exercise after the other, each command when you are ready
$ hallmark lab --list          # what there is
$ hallmark lab --exercise 6    # one of them, as often as you like
$ hallmark lab --auto          # all of them without a pause; exit code 1 if a promise is not kept
\`\`\`

Nothing has to be installed: a registry and a trust server run in the same process, on loopback, and are gone afterwards. The
people: **Alice** publishes, **Carol** works with her, **Bob** uses their images, **Dave** comes for the first time, and **Mallory**
would rather have them run something else. Each has a machine of their own.
`;

/** The page of all exercises, as Markdown. */
export function labPage(exercises: readonly Exercise[]): string {
  const sections = exercises.map((exercise, index) => section(exercise, index + 1, exercises[index - 1]?.part));
  return `${HEAD}\n${sections.join('\n')}`;
}

function section(exercise: Exercise, number: number, partBefore: string | undefined): string {
  const names = placeholders(exercise);
  return [
    ...(exercise.part === partBefore ? [] : [`## ${exercise.part}`, '']),
    `### ${number}. ${exercise.title}`,
    '',
    exercise.about,
    '',
    ...(exercise.rule === undefined ? [] : [`What refuses it: ${exercise.rule}.`, '']),
    ...exercise.steps.flatMap((step) => stepLines(step, names)),
  ].join('\n');
}

function stepLines(step: Step, names: Names): readonly string[] {
  if (!isRun(step)) return [`*${step.told}.*`, ''];
  const command = `${step.who}$ hallmark ${step.command(names).map(quoted).join(' ')}`;
  return ['```console', command, '```', '', `→ ${step.so}${ENDINGS[step.ends]}`, ''];
}

function placeholders({ slug }: Exercise): Names {
  const image = (name: Image) => ({ path: name, digest: DIGESTS[name] });
  return {
    repository: `localhost:5000/lab/${slug}`,
    images: { good: image('good'), better: image('better'), evil: image('evil') },
    file: (name) => name,
    home: (who) => who,
  };
}

function quoted(word: string): string {
  return /^[\w@%+=:,./…-]+$/.test(word) ? word : `'${word}'`;
}
