// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ServerDouble, TestPublisher, targetOf } from '../../test/support/publishing-stage.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import type { TrustedRepository } from '../client/index.ts';
import { MetadataError, notaryV1, VerificationError } from '../tuf/index.ts';
import { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { applyStagedUpdate } from './staged-review.ts';
import { decodeStagedUpdate, encodeStagedUpdate, type StagedUpdate } from './staged-update.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const documentOf = (update: StagedUpdate) => JSON.parse(new TextDecoder().decode(encodeStagedUpdate(update)));

let repository: TrustedRepository;
let update: StagedUpdate;

beforeAll(async () => {
  const owner = new TestPublisher(new ServerDouble());
  await owner.publisher.sign('first', targetOf('first'));
  repository = await owner.client.refresh();
  const staged = await owner.publisher.staging.stage((draft, now) =>
    draft.edit('targets' as never, now, (targets) => ({ ...targets, targets: new Map([['v2', targetOf('v2')]]) })),
  );
  update = staged.update;
});

/** What becomes of a file on the next signer's machine: read and put onto the repository, or a typed refusal. */
function outcome(bytes: Uint8Array): 'applied' | 'refused' {
  try {
    applyStagedUpdate(decodeStagedUpdate(bytes), Draft.of(repository), notaryV1, NOW);
    return 'applied';
  } catch (error) {
    const isTyped =
      error instanceof MetadataError || error instanceof PublishError || error instanceof VerificationError;
    if (!isTyped) throw error;
    return 'refused';
  }
}

describe('the staged file', () => {
  test('reads back as it was written', () => {
    expect(decodeStagedUpdate(encodeStagedUpdate(update))).toEqual(update);
    expect(outcome(encodeStagedUpdate(update))).toBe('applied');
  });

  test('S11 unknown and repeated fields, a role named twice, no file and another form are refused', () => {
    const document = documentOf(update);
    const [file] = document.files;
    const hostile = [
      { ...document, authorities: [] },
      { ...document, format: 'hallmark-staged-update-2' },
      { ...document, files: [] },
      { ...document, files: [file, file] },
      { ...document, files: [{ ...file, keys: {} }] },
      { ...document, files: [{ ...file, role: '../../etc/passwd' }] },
      { ...document, gun: '../../etc' },
    ];
    for (const entry of hostile) expect(outcome(bytesOf(JSON.stringify(entry)))).toBe('refused');
    const text = JSON.stringify(document);
    expect(outcome(bytesOf(text.replace('{', `{"gun":"${GUN}",`)))).toBe('refused');
    expect(outcome(bytesOf(`${text}{}`))).toBe('refused');
  });

  test('S23 more signatures than anybody needs are refused', () => {
    const document = documentOf(update);
    const [signature] = document.files[0].signatures;
    document.files[0].signatures = Array.from({ length: 300 }, () => signature);
    expect(outcome(bytesOf(JSON.stringify(document)))).toBe('refused');
  });

  test('any bytes at all are read or refused with a typed error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => outcome(bytes) === 'refused'));
    fc.assert(fc.property(fc.json(), (text) => outcome(bytesOf(text)) === 'refused'));
  });

  test('whatever byte of a real one is changed, no signature counts for anything but what was signed', () => {
    const bytes = encodeStagedUpdate(update);
    const original = update.files[0]?.signedBytes;
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] as number) ^ flip;
        if (outcome(changed) === 'refused') return true;
        const [review] = applyStagedUpdate(decodeStagedUpdate(changed), Draft.of(repository), notaryV1, NOW);
        const isSame = Buffer.from(review?.pending.signedBytes ?? []).equals(original ?? new Uint8Array());
        return isSame || review?.signed.length === 0;
      }),
      { numRuns: 500 },
    );
  });

  test('any metadata in a well-formed file is applied or refused with a typed error', () => {
    const document = documentOf(update);
    const body = JSON.parse(Buffer.from(document.files[0].signed, 'base64').toString());
    const arbitraryBody = fc.record(
      {
        _type: fc.constantFrom('Targets', 'Root', 'Snapshot', 'x'),
        version: fc.oneof(fc.integer(), fc.double(), fc.constant(body.version)),
        expires: fc.oneof(fc.constant(body.expires), fc.string(), fc.date({ noInvalidDate: true }).map(String)),
        targets: fc.oneof(fc.constant(body.targets), fc.jsonValue()),
        delegations: fc.oneof(fc.constant(body.delegations), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(arbitraryBody, fc.constantFrom('targets', 'root', 'snapshot', 'targets/x'), (signed, role) => {
        const file = { role, signed: Buffer.from(JSON.stringify(signed)).toString('base64'), signatures: [] };
        return ['applied', 'refused'].includes(outcome(bytesOf(JSON.stringify({ ...document, files: [file] }))));
      }),
      { numRuns: 300 },
    );
  });
});
