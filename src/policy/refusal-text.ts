// SPDX-License-Identifier: Apache-2.0
import type { DenyCode, Refusal, UnavailableCode } from './decision.ts';

const TAMPERED = 'its trust data may have been tampered with: tell its publisher';
const LATER = 'try again when it answers';

/** What whoever is refused, or their administrator, can do. */
const MENDS: Readonly<Record<DenyCode | UnavailableCode, string>> = {
  malformed: TAMPERED,
  threshold: TAMPERED,
  rollback: TAMPERED,
  'hash-mismatch': TAMPERED,
  'length-mismatch': TAMPERED,
  'root-chain': TAMPERED,
  expired: 'its publisher, or the trust server, has to sign it anew',
  'unmet-pin': 'change the pin only for a root key that its publisher vouches for',
  unsigned: 'sign it with hallmark push, or ask for what is signed',
  'unusable-root-key': 'its publisher has to rotate the root key',
  'invalid-reference': 'name it as REGISTRY/NAME:TAG',
  'no-rule': 'the policy has to have a rule for it',
  denied: 'the policy has to say otherwise',
  'not-pinned': 'the rule has to list it',
  'no-floor': 'the rule has to name a version for it',
  'below-floor': 'bring the copy of its trust data up to date',
  'missing-signers': 'the signers that are missing have to sign it',
  'signers-disagree': 'the signers have to sign the same digest',
  'not-signed': 'ask for a tag, or for a digest that is signed now',
  'other-digest': 'ask for the tag alone, or for the digest that it is signed for',
  unreachable: LATER,
  timeout: LATER,
  unavailable: LATER,
  busy: LATER,
  unauthorized: 'the enforcement point needs a login for the trust server',
  'not-found': 'the rule may name the wrong trust server',
  'too-large': 'see to the trust server',
  rejected: 'see to the trust server',
  state: 'see to the state directory of the enforcement point',
};

/** A refusal for the person who gets it: why, by which rule, and what mends it. The image stands before it. @param rule empty where none is known */
export function refusalText({ outcome, code, message }: Refusal, rule: string): string {
  const by = rule === '' ? code : `${code}, rule ${rule}`;
  return `${outcome === 'deny' ? 'denied' : 'unavailable'}: ${message} (${by}): ${MENDS[code]}`;
}
