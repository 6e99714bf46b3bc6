// SPDX-License-Identifier: Apache-2.0
import {
  type HEALTH_CHECK,
  HEALTH_SERVICES,
  type RequestOf,
  type ResponseOf,
  ServingStatus,
} from '../signing/protocol/index.ts';
import { SigningRefusal } from './refusals.ts';

/** grpc.health.v1: whoever is let in may ask. `isWell` says whether keys can be had. */
export async function checkHealth(
  { service }: RequestOf<typeof HEALTH_CHECK>,
  isWell: () => Promise<boolean>,
): Promise<ResponseOf<typeof HEALTH_CHECK>> {
  if (!(HEALTH_SERVICES as readonly string[]).includes(service))
    throw new SigningRefusal('unknown-service', 'unknown service');
  return { status: (await isWell()) ? ServingStatus.serving : ServingStatus.notServing };
}
