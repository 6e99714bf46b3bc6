// SPDX-License-Identifier: Apache-2.0
import { renewRootCertificates, roleKeyIds } from '../../../publisher/index.ts';
import { keyId, leafCertificate, notaryV1, type PublicKey, ROOT, TARGETS } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { openRepository } from './repository.ts';

/** `hallmark key renew-certificate`: the same root keys under new certificates, as the next version of the root. */
export async function renewCertificate(context: CommandContext, text: string): Promise<void> {
  const { io, globals } = context;
  const { session } = await openRepository(context, text);
  let renewed: readonly PublicKey[] = [];
  let keyIds: readonly string[] = [];
  await session.publisher().publish(async (draft, now) => {
    const isRootExpired = draft.refusal(ROOT) !== undefined;
    await renewRootCertificates(draft, session.keys, session.gun, now);
    // neither can be published without the other
    if (isRootExpired && draft.refusal(TARGETS) !== undefined) draft.witness(TARGETS, notaryV1, now);
    keyIds = roleKeyIds(draft.root, 'root');
    renewed = (draft.root.roles.get('root')?.keyIds ?? []).flatMap((id) => draft.root.keys.get(id) ?? []);
  });
  const certificates = renewed.map((key, index) => ({
    keyId: keyIds[index],
    certificateId: keyId(key),
    expires: new Date(leafCertificate(key).validTo).toISOString(),
  }));
  if (globals.json) io.stdout.write(jsonText({ gun: session.gun, certificates }));
  else {
    io.stdout.write(`Successfully renewed the root certificates of repository ${session.gun}\n`);
    for (const { keyId: id, expires } of certificates) io.stderr.write(`root key ${id}: valid until ${expires}\n`);
  }
}
