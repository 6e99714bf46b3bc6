// SPDX-License-Identifier: Apache-2.0
import { MemoryStorage } from './memory.ts';
import { describeMetadataStorage } from './metadata-storage.contract.ts';

describeMetadataStorage('MemoryStorage', async () => new MemoryStorage());
