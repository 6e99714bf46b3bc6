// SPDX-License-Identifier: Apache-2.0
/**
 * Policies of other admission controllers, as policies of Hallmark. What cannot be carried over is denied and told, never left
 * out in silence.
 *
 *     const { document, notes } = convertPolicy('connaisseur', loadedValues);
 */
import { fromConnaisseur } from './connaisseur.ts';
import { type Conversion, ConversionError } from './conversion.ts';
import { fromPortieris } from './portieris.ts';

export { ConversionError } from './conversion.ts';

export const CONVERTIBLE = ['connaisseur', 'portieris'] as const;
export type Convertible = (typeof CONVERTIBLE)[number];

/** @throws ConversionError if the value is not what it is said to be */
export function convertPolicy(from: Convertible, value: unknown): Conversion {
  const conversion = from === 'connaisseur' ? fromConnaisseur(value) : fromPortieris(value);
  if (conversion.document.rules.length === 0) throw new ConversionError('there is nothing to convert');
  return conversion;
}
