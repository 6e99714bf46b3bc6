// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';

/**
 * The part of Go's templates, and of the functions that Helm adds, which our chart is written in. What it does not know
 * is an error, so a template that uses more fails here first.
 */
export function renderTemplates(
  files: Readonly<Record<string, string>>,
  root: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const named = new Map<string, readonly Node[]>();
  const parsed = Object.entries(files).map(([file, text]) => {
    const nodes = parse(file, text);
    for (const node of nodes) if (node.kind === 'define') named.set(node.name, node.body);
    return [file, nodes] as const;
  });
  return Object.fromEntries(parsed.map(([file, nodes]) => [file, new Rendering(named, root).text(nodes, root)]));
}

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly pipeline: string }
  | { readonly kind: 'define'; readonly name: string; readonly body: readonly Node[] }
  | {
      readonly kind: 'if' | 'range' | 'with';
      readonly pipeline: string;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** Text and actions in turn; `{{-` and `-}}` take away the white space beside them. */
function tokens(text: string): readonly { readonly action: boolean; readonly text: string }[] {
  const trimmed = text.replace(/\s*\{\{-/g, '{{').replace(/-\}\}\s*/g, '}}');
  return trimmed.split(/(\{\{.*?\}\})/s).map((part) => {
    const action = part.startsWith('{{');
    return { action, text: action ? part.slice(2, -2).trim() : part };
  });
}

function parse(file: string, text: string): readonly Node[] {
  const rest = [...tokens(text)];
  const block = (isNested: boolean): { nodes: Node[]; ended: string } => {
    const nodes: Node[] = [];
    for (let token = rest.shift(); token !== undefined; token = rest.shift()) {
      if (!token.action) nodes.push({ kind: 'text', text: token.text });
      else if (token.text.startsWith('/*')) continue;
      else if (token.text === 'end' || token.text === 'else') {
        if (!isNested) throw new Error(`${file}: {{ ${token.text} }} of nothing`);
        return { nodes, ended: token.text };
      } else nodes.push(action(token.text));
    }
    if (isNested) throw new Error(`${file}: a block does not end`);
    return { nodes, ended: '' };
  };
  const action = (words: string): Node => {
    const [, keyword, pipeline = ''] = /^(if|range|with|define)\s+(.*)$/s.exec(words) ?? [];
    if (keyword === undefined) return { kind: 'output', pipeline: words };
    const { nodes, ended } = block(true);
    if (keyword === 'define') return { kind: 'define', name: JSON.parse(pipeline) as string, body: nodes };
    const otherwise = ended === 'else' ? block(true).nodes : [];
    return { kind: keyword as 'if' | 'range' | 'with', pipeline, body: nodes, otherwise };
  };
  return block(false).nodes;
}

class Rendering {
  readonly #named: ReadonlyMap<string, readonly Node[]>;
  readonly #root: unknown;

  constructor(named: ReadonlyMap<string, readonly Node[]>, root: unknown) {
    this.#named = named;
    this.#root = root;
  }

  text(nodes: readonly Node[], dot: unknown): string {
    return nodes.map((node) => this.#node(node, dot)).join('');
  }

  #node(node: Node, dot: unknown): string {
    if (node.kind === 'text') return node.text;
    if (node.kind === 'define') return '';
    const value = this.#pipeline(node.pipeline, dot);
    if (node.kind === 'output') return String(value);
    if (!isTruthy(value)) return this.text(node.otherwise, dot);
    if (node.kind === 'if') return this.text(node.body, dot);
    if (node.kind === 'with') return this.text(node.body, value);
    if (!Array.isArray(value)) throw new Error(`range over no list: ${node.pipeline}`);
    return value.map((item) => this.text(node.body, item)).join('');
  }

  #pipeline(pipeline: string, dot: unknown): unknown {
    let piped: unknown[] = [];
    for (const command of pipeline.split(/\s*\|\s*(?=(?:[^"]*"[^"]*")*[^"]*$)/)) {
      const [first = '', ...words] = command.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
      const args = [...words.map((word) => this.#value(word, dot)), ...piped];
      piped = [/^[a-z]\w*$/i.test(first) ? this.#call(first, args) : this.#value(first, dot)];
    }
    return piped[0];
  }

  #value(word: string, dot: unknown): unknown {
    if (word.startsWith('"')) return JSON.parse(word);
    if (/^-?\d+$/.test(word)) return Number(word);
    if (!word.startsWith('.')) throw new Error(`not understood: ${word}`);
    if (word === '.') return dot;
    return word
      .slice(1)
      .split('.')
      .reduce<unknown>((at, name) => {
        if (typeof at !== 'object' || at === null || !(name in at)) throw new Error(`there is no ${word}`);
        return (at as Record<string, unknown>)[name];
      }, dot);
  }

  #call(name: string, args: readonly unknown[]): unknown {
    const [first, second, third] = args;
    switch (name) {
      case 'include': {
        const body = this.#named.get(String(first));
        if (body === undefined) throw new Error(`no template ${String(first)}`);
        return this.text(body, second ?? this.#root).trim();
      }
      case 'quote':
        return JSON.stringify(String(first));
      case 'toYaml':
        return stringify(first).trimEnd();
      case 'nindent':
        return `\n${String(second).replace(/^(?=.)/gm, ' '.repeat(Number(first)))}`;
      case 'printf':
        return args.slice(1).reduce<string>((text, arg) => text.replace('%s', String(arg)), String(first));
      case 'sha256sum':
        return createHash('sha256').update(String(first)).digest('hex');
      case 'regexReplaceAll':
        return String(second).replace(new RegExp(String(first), 'g'), String(third).replace(/\$\{(\d)\}/g, '$$$1'));
      default:
        throw new Error(`no function ${name}`);
    }
  }
}

/** Go's rule: empty lists, maps and texts are false. */
function isTruthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
