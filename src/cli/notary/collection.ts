// SPDX-License-Identifier: Apache-2.0
import { witnessing } from '../../publisher/index.ts';
import { type Call, required } from './command.ts';
import { NotaryUsageError } from './errors.ts';
import { NotaryRepository } from './repository.ts';
import { notaryTable } from './tables.ts';

const GUN = 'Must specify a GUN';

/** `notary publish` */
export async function publish(call: Call): Promise<void> {
  const [gun] = required(call, 1, GUN);
  call.say(`Pushing changes to ${gun}\n`);
  await publishStaged(call, new NotaryRepository(call, gun));
}

/** After a change was staged with `-p`: publishes it and everything else that is staged. */
export async function autoPublish(call: Call, repository: NotaryRepository): Promise<void> {
  if (!call.flags.isOn('publish')) return;
  call.say(`Auto-publishing changes to ${repository.gun}\n`);
  await publishStaged(call, repository);
}

async function publishStaged(call: Call, repository: NotaryRepository): Promise<void> {
  await repository.publishStaged();
  call.say(`Successfully published changes for repository ${repository.gun}\n`);
}

/** `notary status` */
export async function status(call: Call): Promise<void> {
  const [gun] = required(call, 1, GUN);
  const changes = new NotaryRepository(call, gun).changelist.list();
  if (changes.length === 0) {
    call.say(`No unpublished changes for ${gun}\n`);
    return;
  }
  const rows = changes.map(({ action, role, type, path }, index) => [String(index), action, role, type, path]);
  call.say(`Unpublished changes for ${gun}:\n\n`);
  call.say(notaryTable(['#', 'ACTION', 'SCOPE', 'TYPE', 'PATH'], rows));
}

/** `notary reset` */
export async function reset(call: Call): Promise<void> {
  const [gun] = required(call, 1, GUN);
  const isAll = call.flags.isOn('all');
  const numbers = call.flags.numbers('number');
  if (!isAll && numbers.length === 0)
    throw new NotaryUsageError('Must specify changes to reset with -n or the --all flag');
  const { changelist } = new NotaryRepository(call, gun);
  const files = changelist.files();
  changelist.remove(isAll ? files : files.filter((_, index) => numbers.includes(index)));
  call.say(`Successfully reset specified changes for repository ${gun}\n`);
}

/** `notary witness` */
export async function witness(call: Call): Promise<void> {
  const [gun, ...roles] = required(call, 2, 'Please provide a GUN and at least one role to witness');
  const repository = new NotaryRepository(call, gun);
  for (const role of roles) repository.changelist.add(witnessing(role), call.io.now());
  const listed = roles.map((role) => `\t- ${role}\n`).join('');
  call.say(`The following roles were successfully marked for witnessing on the next publish:\n${listed}`);
  await autoPublish(call, repository);
}

/** `notary delete`: the server's first, so that a failure there loses nothing here. */
export async function remove(call: Call): Promise<void> {
  const [gun] = required(call, 1, GUN);
  const isRemote = call.flags.isOn('remote');
  const repository = new NotaryRepository(call, gun);
  call.say(`Deleting trust data for repository ${gun}\n`);
  if (isRemote) await repository.server('admin').remove(repository.gun);
  // a local copy alone can be had again, and must not be an older one then (property 2)
  repository.remove({ withHistory: isRemote });
  call.say(`Successfully deleted local${isRemote ? ' and remote' : ''} trust data for repository ${gun}\n`);
}
