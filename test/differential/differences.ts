// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from './judges.ts';

/** A place where we judge otherwise than the original on purpose. */
export interface Difference {
  readonly name: string;
  /** Words of the row in docs/compatibility.md that has it. */
  readonly row: string;
  /** What we refuse the file with; a rule has this one or `original`. */
  readonly ours?: RegExp;
  /** What the original refuses the file with, where we trust it. */
  readonly original?: RegExp;
  /** What must have been done to the repository, in words of its labels. */
  readonly labels?: RegExp;
}

export interface Case {
  readonly start: 'first use' | 'later';
  readonly labels: readonly string[];
  readonly ours: Verdict;
  readonly original: Verdict;
}

/** Each is in docs/compatibility.md with its reason. */
export const DIFFERENCES: readonly Difference[] = [
  {
    name: 'one name twice, or in another case',
    row: 'the last of two keys, any case of key',
    ours: /malformed: .*(?:duplicate JSON object key|"(?:Signed|SIGNED|SIGNATURES)" is an unknown field)/,
  },
  {
    name: 'ill-formed UTF-8',
    row: 'the last of two keys, any case of key',
    ours: /malformed: .*not well-formed UTF-8/,
  },
  {
    name: 'integers that not every reader has',
    row: 'reads `-0`, and integers up to 2^63',
    ours: /malformed: .*is not an? (?:positive )?integer/,
    labels: /number (?:minus zero|2\^53)/,
  },
  {
    name: 'a name in another case stands for the name',
    row: 'the last of two keys, any case of key',
    ours: /malformed: .*(?:is not an?|is not base64) /,
    labels: /(?:rename|double|Signed|SIGNATURES|upper case)/,
  },
  {
    name: 'a name in another case is an unknown field',
    row: 'the last of two keys, any case of key',
    original: /cannot unmarshal|illegal base64|parsing time|not valid for|invalid character/,
    labels: /upper case|rename|double/,
  },
  {
    name: 'unknown field at the top',
    row: 'unknown fields beside `signed`',
    ours: /malformed: .* is an unknown field/,
  },
  {
    name: 'an absent field is not an empty one',
    row: 'takes a field that is absent for an empty one',
    ours: /malformed: .*"\w+" (?:is not (?:an? (?:object|array|integer|string|boolean)|base64 text)|holds something other than strings)/,
    labels: /rename|remove|replace|swap|dropped|flipped|null|odd|absent|with(?:out)? |again/,
  },
  {
    name: 'another file of the same version',
    row: 'takes other content of the same version',
    ours: /rollback: .* version \d+ differs from the .* that was trusted before/,
  },
  {
    name: 'another root than the snapshot names',
    row: 'does not hold the root that it has against the snapshot',
    ours: /(?:hash|length)-mismatch: root /,
  },
  {
    name: 'a root that jumps',
    row: 'takes a root that jumps from 1 to 5',
    ours: /root-chain: root \d+ does not follow/,
  },
  {
    name: 'a file that is shorter than announced',
    row: 'takes a file that is shorter than its announced length',
    ours: /length-mismatch: \S+ has \d+ bytes where \d+ were announced/,
    labels: /length (?:one more|huge)|replace length|swap length|2\^53/,
  },
  {
    name: 'lengths below zero',
    row: 'targets with hashes of any length',
    ours: /malformed: .*"length" is negative/,
  },
  {
    name: 'hashes of another length',
    row: 'targets with hashes of any length',
    ours: /malformed: .*"sha(?:256|512)" has a wrong length/,
  },
  {
    name: 'base64 of another spelling',
    row: 'takes base64 with stray bits',
    ours: /malformed: .* is not strict base64/,
  },
  {
    name: 'hundreds of signatures',
    row: 'takes any number of signatures',
    ours: /malformed: .*"signatures" has more than 256 entries/,
  },
  {
    name: 'times that Go does not write',
    row: 'takes a time with an offset of 24 hours',
    ours: /malformed: .*"expires" is (?:no real|not an RFC 3339) time/,
    labels: /expires "LATER(?:\.1234567891Z|\+24:00)"/,
  },
  {
    name: 'two delegations of one name',
    row: 'takes two delegations of one name',
    ours: /malformed: .*delegation \S+ is repeated/,
    labels: /delegation twice|double|swap/,
  },
  {
    name: 'a key under an ID that is not its own',
    row: 'looks at the ID of a key once a signature names it',
    ours: /malformed: .*"[^"]*" does not belong to its key/,
  },
  {
    name: 'a snapshot entry that pins nothing',
    row: 'needs SHA-256 of root and targets alone',
    ours: /malformed: snapshot: "(?:hashes|meta)" (?:has no sha256|is not an object)/,
  },
  {
    name: 'a snapshot entry that is no role',
    row: 'passes over entries of a snapshot that name no role',
    ours: /malformed: snapshot: invalid role name/,
  },
  {
    name: 'a signature that is none',
    row: 'passes over a signature that is not well-formed',
    ours: /malformed: .*(?:key id is not 64 hex digits|"(?:sig|method|keyid)" is not (?:base64 text|a string))/,
  },
  {
    name: 'the cache after an answer',
    row: 'uses the cached timestamp after 404, 401, 5xx',
    ours: /^(?:unauthorized|unavailable|rejected|not-found|unsigned|root-chain): /,
    labels: /timestamp: answered \d+/,
  },
  {
    name: 'a delegation without any signature',
    row: 'ends an update at a delegation without any signature',
    original: /tuf: data has no signatures/,
    labels: /targets\/\S+: (?:signed by|signature|text)/,
  },
  {
    name: 'a field of a signature in another case',
    row: 'the last of two keys, any case of key',
    original: /did not meet threshold|data has no signatures/,
    labels: /text member again in upper case/,
  },
  {
    name: 'an entry of a timestamp beside the snapshot, a role of a root beside the four',
    row: 'reads every entry of a timestamp',
    original: /cannot unmarshal .* into Go value of type data\.(?:FileMeta|RootRole)/,
    labels: /(?:timestamp|root): (?:add|double) /,
  },
  {
    name: 'the private half of a public key',
    row: 'reads `private` of a public key',
    original: /illegal base64|cannot unmarshal .* into Go value of type (?:\[\])?uint8/,
    labels: /private/,
  },
];

/** The documented difference that explains a disagreement: in one direction, and by what was done. */
export function explain({ labels, ours, original }: Case): Difference | undefined {
  const done = labels.join('; ');
  return DIFFERENCES.find((difference) => {
    if (difference.labels !== undefined && !difference.labels.test(done)) return false;
    if (difference.ours !== undefined)
      return 'refused' in ours && 'trusted' in original && difference.ours.test(ours.refused);
    return 'trusted' in ours && 'refused' in original && difference.original?.test(original.refused) === true;
  });
}
