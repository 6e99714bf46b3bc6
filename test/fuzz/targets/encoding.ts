// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import {
  canonicalText,
  DecodeError,
  decodeBase64,
  decodeDer,
  decodeDerInteger,
  decodeDerSequence,
  decodeHex,
  decodeJson,
  decodeJsonMembers,
  decodeJsonObject,
  decodeObjectId,
  decodePem,
  decodeUtf8,
  encodeBase64,
  encodeCanonicalJson,
  encodeDer,
  encodeDerInteger,
  encodeHex,
  encodeObjectId,
  encodePem,
  encodeUtf8,
} from '../../../src/encoding/index.ts';
import { readVectorJson, vectorRepository } from '../../support/vectors.ts';
import { canonicalOracle } from '../canonical-oracle.ts';
import { Broken, type FuzzTarget, holds } from '../fuzz-target.ts';

const SAMPLES = { seed: 1, numRuns: 60 };

function jsonCorpus(): readonly Uint8Array[] {
  const drawn = fc.sample(fc.json({ maxDepth: 5 }), SAMPLES).map(encodeUtf8);
  const recorded = vectorRepository('c-docker-delegations')
    .files.slice(0, 6)
    .map(({ bytes }) => bytes);
  const odd = [
    '{"a":1,"b":[true,false,null],"c":{"d":"\\u00e9\\n"}}',
    '-0',
    '1e3',
    '[9007199254740993,1E2]',
    '"\\ud83d\\ude00"',
  ];
  return [...drawn, ...recorded, ...odd.map(encodeUtf8)];
}

/** Every member that says it is canonical must be, and both readers must see the same. */
function readMembers(input: Uint8Array): void {
  const document = decodeJson(input);
  if (!(document instanceof Map)) return;
  const members = decodeJsonMembers(input);
  holds(members.size === decodeJsonObject(input).size, 'members and object have the same keys');
  for (const [key, { canonical, value }] of members)
    if (canonical !== undefined) holds(canonicalText(value) === canonical, `the canonical text of ${key} is its own`);
}

/** Against a second implementation. */
function readCanonical(input: Uint8Array): void {
  const expected = canonicalOracle(input);
  let actual: Uint8Array;
  try {
    actual = encodeCanonicalJson(decodeJson(input));
  } catch (error) {
    if (error instanceof DecodeError && expected !== undefined)
      throw new Broken(`refused what the second implementation reads: ${error.message}`);
    throw error;
  }
  if (expected === undefined) throw new Broken('read what the second implementation refuses');
  holds(expected.equals(actual), 'both implementations write the same canonical bytes');
  holds(expected.equals(encodeCanonicalJson(decodeJson(actual))), 'canonical bytes are canonical');
}

function readPem(input: Uint8Array): void {
  for (const block of decodePem(decodeUtf8(input))) {
    const text = encodePem(block);
    const [again, ...others] = decodePem(text);
    if (again === undefined || others.length > 0) throw new Broken('a block is written as one block');
    holds(again.label === block.label && encodePem(again) === text, 'a block is read as it was written');
    holds(Buffer.from(again.bytes).equals(block.bytes), 'its content is the same');
  }
}

function derCorpus(): readonly Uint8Array[] {
  const certificates = Object.values(readVectorJson('certificates/openssl.json').certificates) as {
    pem: string;
    pkcs8: string;
  }[];
  return certificates
    .slice(0, 6)
    .flatMap(({ pem, pkcs8 }) => [
      decodePem(pem)[0]?.bytes ?? new Uint8Array(),
      new Uint8Array(Buffer.from(pkcs8, 'base64')),
    ]);
}

function readDer(input: Uint8Array, depth = 0): void {
  const value = decodeDer(input, input[0] ?? 0);
  holds(Buffer.from(encodeDer(value.tag, value.content)).equals(value.raw), 'DER has one spelling');
  if (value.tag === 0x06)
    holds(sameBytes(encodeObjectId(decodeObjectId(value)), value.raw), 'an object id has one spelling');
  if (value.tag === 0x02 && value.content.length < 6)
    holds(sameBytes(encodeDerInteger(decodeDerInteger(value)), value.raw), 'a small integer has one spelling');
  if ((value.tag & 0x20) !== 0 && depth < 20)
    for (const inner of decodeDerSequence(input, value.tag)) readDer(inner.raw, depth + 1);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}

function readText(input: Uint8Array): void {
  const text = decodeUtf8(input);
  holds(sameBytes(encodeUtf8(text), input), 'UTF-8 has one spelling');
  const decoders = [
    [decodeBase64, encodeBase64],
    [decodeHex, encodeHex],
  ] as const;
  for (const [decode, encode] of decoders) {
    try {
      holds(encode(decode(text)) === text, 'base64 and hex have one spelling');
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }
}

function pemCorpus(): readonly Uint8Array[] {
  const keys = readVectorJson('keys/notary-and-docker.json') as { text: string }[];
  const certificates = Object.values(readVectorJson('certificates/openssl.json').certificates) as { pem: string }[];
  return [...keys.map(({ text }) => text), ...certificates.slice(0, 3).map(({ pem }) => pem)].map(encodeUtf8);
}

export const ENCODING_TARGETS: readonly FuzzTarget[] = [
  { name: 'json', corpus: jsonCorpus, refusals: [DecodeError], read: readMembers },
  { name: 'canonical-json', corpus: jsonCorpus, refusals: [DecodeError], read: readCanonical },
  { name: 'pem', corpus: pemCorpus, refusals: [DecodeError], read: readPem },
  { name: 'der', corpus: derCorpus, refusals: [DecodeError], read: (input) => readDer(input) },
  {
    name: 'text',
    corpus: () => ['aGFsbG1hcms=', '00ff', 'YQ==', 'déjà 😀'].map(encodeUtf8),
    refusals: [DecodeError],
    read: readText,
  },
];
