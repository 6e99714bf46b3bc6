// SPDX-License-Identifier: Apache-2.0
import type { ActStep, Image, Names, Outcome, Person, RunStep } from '../exercise.ts';

type Command = RunStep['command'];

/** A command that has to succeed. */
export function runs(who: Person, command: Command, so: string, answer?: RunStep['answer']): RunStep {
  return { who, command, ends: 'done', so, ...(answer === undefined ? {} : { answer }) };
}

/** A command that has to end with exit code 3: not trusted. */
export function isRefused(who: Person, command: Command, so: string): RunStep {
  return { who, command, ends: 'refused', so };
}

/** A command that has to fail otherwise. */
export function fails(who: Person, command: Command, so: string): RunStep {
  return { who, command, ends: 'failed', so };
}

export function act(told: string, doIt: ActStep['act']): ActStep {
  return { told, act: doIt };
}

export const push =
  (image: Image, tag: string): Command =>
  (names) => ['push', '--from', `oci:${names.images[image].path}`, `${names.repository}:${tag}`];

/** As whoever may write to the registry does it: signed by nobody. */
export const pushUnsigned =
  (image: Image, tag: string): Command =>
  (names) => [
    'push',
    '--disable-content-trust',
    '--from',
    `oci:${names.images[image].path}`,
    `${names.repository}:${tag}`,
  ];

export const pull =
  (tag: string, into: string): Command =>
  (names) => ['pull', '--output', `oci:${names.file(into)}`, `${names.repository}:${tag}`];

export const pullUnverified =
  (tag: string, into: string): Command =>
  (names) => ['pull', '--disable-content-trust', '--output', `oci:${names.file(into)}`, `${names.repository}:${tag}`];

export const verify =
  (tag: string): Command =>
  (names) => ['verify', `${names.repository}:${tag}`];

export const signDigest =
  (tag: string, image: Image): Command =>
  (names) => ['sign', `${names.repository}:${tag}@${names.images[image].digest}`];

/** That `verify` answered with that image. */
export const means = (image: Image) => (outcome: Outcome, names: Names) =>
  outcome.stdout.trim().endsWith(`@${names.images[image].digest}`);

/** The first step of nearly every exercise: a repository with one signed tag. */
export const aliceSigns = runs('alice', push('good', '1.0'), 'Alice has pushed an image and signed its tag');
export const bobTrusts = runs('bob', verify('1.0'), 'Bob resolves the tag to what Alice signed', means('good'));
