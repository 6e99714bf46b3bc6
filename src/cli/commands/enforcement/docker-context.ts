// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dockerConfigDirectory } from '../../../registry/index.ts';
import type { Io } from '../../io.ts';
import { UsageError } from '../../usage-error.ts';

/** What Docker accepts as the name of a context. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;
const DESCRIPTION = 'made by hallmark: what is not trusted is not run';

/**
 * Writes a Docker context that leads to `host`; one of our making is replaced, any other is not.
 * @returns the file
 * @throws UsageError
 */
export async function installContext(io: Io, name: string, host: string): Promise<string> {
  if (!NAME.test(name) || name === 'default') throw new UsageError(`${name} cannot be the name of a Docker context`);
  const id = createHash('sha256').update(name).digest('hex');
  const directory = join(dockerConfigDirectory(io.env), 'contexts', 'meta', id);
  const file = join(directory, 'meta.json');
  const there = await readFile(file, 'utf8').catch(() => undefined);
  if (there !== undefined && !there.includes(DESCRIPTION))
    throw new UsageError(`there is a context ${name} that is not of our making: ${file}`);
  const meta = {
    Name: name,
    Metadata: { Description: DESCRIPTION },
    Endpoints: { docker: { Host: host, SkipTLSVerify: false } },
  };
  await mkdir(directory, { recursive: true });
  await writeFile(`${file}.tmp`, JSON.stringify(meta));
  await rename(`${file}.tmp`, file);
  return file;
}
