// SPDX-License-Identifier: Apache-2.0
import { type Gun, MetadataError, parseVersion, SNAPSHOT, TIMESTAMP, type Version } from '../../tuf/index.ts';
import { currentFile, currentView } from '../current-view.ts';
import { TrustProblem } from '../problems.ts';
import { type FileRequest, parseFileName } from '../request-path.ts';
import { metadataResponse } from '../responses.ts';
import type { StoredFile } from '../storage/index.ts';
import type { TrustServices } from '../trust-services.ts';

/** GET /v2/GUN/_trust/tuf/FILE: by role, by version, or by hash (reference 6.1). */
export async function getMetadata(
  gun: Gun,
  name: string,
  request: Request,
  services: TrustServices,
): Promise<Response> {
  const wanted = parseFileName(name);
  if (wanted === undefined) throw new TrustProblem('METADATA_NOT_FOUND');
  const named = wanted.sha256 !== undefined || wanted.version !== undefined;
  const file = named ? await findNamed(gun, wanted, services) : await findCurrent(gun, wanted, services);
  if (file === undefined) throw new TrustProblem('METADATA_NOT_FOUND', {});
  const audience = request.headers.has('authorization') ? 'private' : 'public';
  return metadataResponse(file, named ? 'consistent' : 'current', services.cacheAges, audience);
}

async function findNamed(
  gun: Gun,
  { role, sha256, version }: FileRequest,
  { storage }: TrustServices,
): Promise<StoredFile | undefined> {
  // files are found by SHA-256 alone; the longer hashes are part of the route, and name nothing
  if (sha256 !== undefined) return sha256.length === 64 ? storage.byHash(gun, role, sha256) : undefined;
  const number = versionOf(version);
  return number && storage.byVersion(gun, role, number);
}

function versionOf(version: number | undefined): Version | undefined {
  try {
    return parseVersion(version);
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

/** Only a request for what the server signs itself makes it new (reference 6.6). */
async function findCurrent(
  gun: Gun,
  { role }: FileRequest,
  { storage, refresher }: TrustServices,
): Promise<StoredFile | undefined> {
  const online = role === TIMESTAMP || role === SNAPSHOT;
  const view = online ? await refresher.view(gun) : await currentView(storage, gun);
  return view && currentFile(storage, gun, role, view);
}
