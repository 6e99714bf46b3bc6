// SPDX-License-Identifier: Apache-2.0

/** Gathers the values of an option that may be given several times. */
export const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];
