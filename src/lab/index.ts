// SPDX-License-Identifier: Apache-2.0
/**
 * The hands-on exercise "Distribution and Trust": a stage with a registry, a trust server and an attacker, exercises as
 * data, and the page written from them. It shows and explains; what it runs are the real commands, handed in by whoever
 * plays it.
 *
 *     const stage = await openStage(directory, () => new Date());
 *     const broken = await play(EXERCISES[5], '1', stage, directory, player);
 *     await stage.close();
 */
export type { Exercise, Outcome, Person } from './exercise.ts';
export { EXERCISES } from './exercises/index.ts';
export { writeImage } from './image.ts';
export { labPage } from './page.ts';
export { type Player, play } from './play.ts';
export { type Environment, openStage, type Stage } from './stage.ts';
