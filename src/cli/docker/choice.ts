// SPDX-License-Identifier: Apache-2.0
import { TrustCommandError } from '../docker-trust/errors.ts';

/** What becomes of a command line of docker, its global flags taken away. */
export type Choice =
  /** Ours. */
  | { readonly kind: 'trust' }
  /** Docker's own help, of all of it. */
  | { readonly kind: 'help' }
  /** Says or changes nothing about any engine. */
  | { readonly kind: 'direct' }
  /** The user has turned content trust off. */
  | { readonly kind: 'unverified'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }
  /** A push signs: the words for our own. */
  | { readonly kind: 'push'; readonly args: readonly string[] }
  | { readonly kind: 'judged' };

const OFF = /^--disable-content-trust(?:=(?:1|t|T|true|TRUE|True))?$/;
const ON = /^--disable-content-trust=(?:0|f|F|false|FALSE|False)$/;
/** Commands that are groups of others, as far as something of them is of interest here. */
const GROUPS = new Set(['image', 'container', 'builder', 'plugin', 'compose', 'service']);

export function choiceOf(words: readonly string[], isTrustOn: boolean): Choice {
  const [first = '--help', second = ''] = words;
  if (first === '--help' || first === '-h' || first === 'help') return { kind: 'help' };
  if (first === 'context' || first === 'completion') return { kind: 'direct' };
  if (first === 'trust') return { kind: 'trust' };
  const start = GROUPS.has(first) ? 2 : 1;
  const isPush = first === 'push' || (first === 'image' && second === 'push');
  if (!isTrustOn) return { kind: 'unverified', reason: 'DOCKER_CONTENT_TRUST' };
  if (isPush) return pushOf(words.slice(start));
  // further on it may be part of what a container shall run: the engine's proxy judges then, flag or not
  if (OFF.test(words[start] ?? '')) return { kind: 'unverified', reason: '--disable-content-trust' };
  if (first === 'buildx' || first === 'bake' || (first === 'builder' && second === 'build')) return BUILDX;
  return { kind: 'judged' };
}

const BUILDX: Choice = {
  kind: 'refused',
  reason:
    'buildx takes images from registries by itself, and which ones cannot be judged here: ' +
    'docker build uses the classic builder, whose images are',
};

const QUIET = /^(?:-q|--quiet)$/;

/** @throws TrustCommandError for a flag that docker push does not have, or that cannot be kept with a signature */
function pushOf(words: readonly string[]): Choice {
  const args: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (OFF.test(word)) return { kind: 'unverified', reason: '--disable-content-trust' };
    if (ON.test(word)) continue;
    if (QUIET.test(word)) args.push('--quiet');
    else if (word === '--help' || word === '-h') return { kind: 'help' };
    else if (word === '--platform' || word.startsWith('--platform=')) {
      const value = word === '--platform' ? words[++at] : word.slice('--platform='.length);
      if (value === undefined) throw new TrustCommandError('flag needs an argument: --platform', { exitCode: 125 });
      args.push('--platform', value);
    } else if (word === '-a' || word === '--all-tags')
      throw new TrustCommandError('content trust: push one tag at a time: each is signed by itself');
    else if (word.startsWith('-')) throw new TrustCommandError(`unknown flag: ${word}`, { exitCode: 125 });
    else args.push(word);
  }
  return { kind: 'push', args };
}
