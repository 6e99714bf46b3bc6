// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';

// Loaded before every test file. A generated test draws other values at each run and prints the seed of a failure;
// HALLMARK_SEED makes it draw the same ones again, as CI does.
const { HALLMARK_SEED: seed } = process.env;
if (seed !== undefined) {
  if (!/^-?\d+$/.test(seed)) throw new Error(`HALLMARK_SEED is no number: ${seed}`);
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
}
