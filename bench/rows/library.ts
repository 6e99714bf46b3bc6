// SPDX-License-Identifier: Apache-2.0
import { decodeJson, encodeCanonicalJson } from '../../src/encoding/index.ts';
import { notaryV1, ROOT, TARGETS, verifyRole } from '../../src/tuf/index.ts';
import { TestClient } from '../../test/support/client.ts';
import { RepositorySimulator } from '../../test/support/repository-simulator.ts';
import type { Effort, Figure, Row } from '../row.ts';
import { targetOf } from '../support/publishing.ts';
import { median, timed } from '../support/timing.ts';

const MANY = 10_000;
/** Calls until the engine has compiled what is hot. */
const WARM_UP = 100;

/** The library in this process, without network or disk. */
export const library: Row = {
  name: 'library',
  title: 'Library: in process, files in memory',
  needs: [],
  async measure(_workspace, effort) {
    return [...(await refreshes(effort)), ...(await manyTargets(effort))];
  },
};

async function refreshes({ calls }: Effort): Promise<readonly Figure[]> {
  const repository = (await RepositorySimulator.create()).tag('latest').publish();
  const client = new TestClient(repository);
  const refresh = async () => {
    await client.refresh();
    repository.takeRequests();
  };
  const hallmark = await medianOf(refresh, calls, WARM_UP);
  return [{ what: '`refresh()` from trusted state, 1 tag', unit: 'ms', hallmark, goal: '< 1 ms' }];
}

async function manyTargets({ calls }: Effort): Promise<readonly Figure[]> {
  const repository = await RepositorySimulator.create();
  const tags = new Map(Array.from({ length: MANY }, (_, index) => [`v${index}`, targetOf(`${index}`)]));
  repository.edit(TARGETS, (targets) => ({ ...targets, targets: tags })).publish();
  const file = repository.files.get(TARGETS);
  const role = repository.root.roles.get('targets');
  if (file === undefined || role === undefined) throw new Error(`the simulated ${ROOT} lacks targets`);
  const { keys } = repository.root;
  const few = Math.ceil(calls / 10);
  const tree = decodeJson(file);
  const canonical = await medianOf(() => encodeCanonicalJson(tree), few, 3);
  const verified = await medianOf(() => verifyRole(TARGETS, notaryV1.decode('targets', file), keys, role), few, 3);
  return [
    { what: `canonical JSON of ${MANY} targets`, unit: 'ms', hallmark: canonical },
    { what: `strict reading, canonical JSON and signature of ${MANY} targets`, unit: 'ms', hallmark: verified },
  ];
}

async function medianOf(work: () => unknown, calls: number, warmUp: number): Promise<number> {
  for (let call = 0; call < warmUp; call++) await work();
  const times: number[] = [];
  for (let call = 0; call < calls; call++) times.push(await timed(work));
  return median(times);
}
