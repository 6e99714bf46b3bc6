// SPDX-License-Identifier: Apache-2.0
/** The mutants of a source file: every check in it, taken out alone. */
import {
  type Expression,
  isArrowFunction,
  isBinaryExpression,
  isBlock,
  isBreakStatement,
  isCallExpression,
  isConditionalExpression,
  isContinueStatement,
  isExpressionStatement,
  isIdentifier,
  isIfStatement,
  isNewExpression,
  isPropertyAccessExpression,
  isReturnStatement,
  isThrowStatement,
  isVariableDeclaration,
  type Node,
  type SourceFile,
  type Statement,
  SyntaxKind,
} from 'typescript/unstable/ast';

/** One change of one place of a file. */
export interface Mutation {
  /** Path from the root of the project. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** What is done, and to what: the same as long as the source says the same, wherever in the file it stands. */
  readonly name: string;
}

type Change = readonly [node: Node, replacement: string, what: string];

/** Every mutant of a file, in the order of its text. */
export function mutationsOf(file: string, source: SourceFile): readonly Mutation[] {
  const text = (node: Node) => source.text.slice(node.getStart(source), node.end);
  const found: Mutation[] = [];
  const visit = (node: Node): void => {
    for (const [target, replacement, what] of changesOf(node, text)) {
      const start = target.getStart(source);
      const line = source.text.slice(0, start).split('\n').length;
      const name = oneLine(`${what}: ${text(target)}`);
      found.push({ file, line, start, end: target.end, replacement, name });
    }
    // what a refusal says of itself is no check
    if (!(isNewExpression(node) && /Error$/.test(text(node.expression)))) node.forEachChild(visit);
  };
  visit(source);
  return found;
}

/** The file's text with the mutation in it. */
export function mutated(text: string, { start, end, replacement }: Mutation): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

function changesOf(node: Node, text: (node: Node) => string): readonly Change[] {
  if (isIfStatement(node)) return ofCondition(node.expression, node.thenStatement);
  if (isExpressionStatement(node)) return isCallExpression(node.expression) ? [[node, ';', 'statement removed']] : [];
  if (isConditionalExpression(node)) {
    const [yes, no] = [text(node.whenTrue), text(node.whenFalse)];
    return [
      [node, `(${yes})`, 'always the first'],
      [node, `(${no})`, 'always the second'],
    ];
  }
  if (isReturnStatement(node) && node.expression !== undefined) return ofAnswer(node.expression);
  if (isArrowFunction(node) && !isBlock(node.body)) return ofAnswer(node.body);
  if (isBinaryExpression(node)) return ofOperator(node.left, node.operatorToken.kind, node.right, node, text);
  if (isCallExpression(node)) return ofCall(node, text);
  if (isVariableDeclaration(node) && isIdentifier(node.name) && node.initializer !== undefined) {
    if (/^MAX_/.test(node.name.text)) return [[node.initializer, 'Number.MAX_SAFE_INTEGER', 'no upper limit']];
    if (/^MIN_/.test(node.name.text)) return [[node.initializer, '0', 'no lower limit']];
  }
  return [];
}

/** A guard never holds; any other condition holds never, and always. */
function ofCondition(condition: Expression, then: Statement): readonly Change[] {
  const never: Change = [condition, 'false', 'never'];
  return isJump(then) ? [never] : [never, [condition, 'true', 'always']];
}

function isJump(statement: Statement): boolean {
  if (isBlock(statement)) return statement.statements.some(isJump);
  return (
    isThrowStatement(statement) ||
    isReturnStatement(statement) ||
    isContinueStatement(statement) ||
    isBreakStatement(statement)
  );
}

const COMPARISONS = new Map<SyntaxKind, string | undefined>([
  [SyntaxKind.LessThanToken, '<='],
  [SyntaxKind.LessThanEqualsToken, '<'],
  [SyntaxKind.GreaterThanToken, '>='],
  [SyntaxKind.GreaterThanEqualsToken, '>'],
  [SyntaxKind.EqualsEqualsEqualsToken, undefined],
  [SyntaxKind.ExclamationEqualsEqualsToken, undefined],
]);

/** A yes or no that is the whole answer of a function is yes whatever is asked, and no. */
function ofAnswer(answer: Expression): readonly Change[] {
  if (!isBinaryExpression(answer) || !COMPARISONS.has(answer.operatorToken.kind)) return [];
  return [
    [answer, 'true', 'always yes'],
    [answer, 'false', 'always no'],
  ];
}

/** One side of an `&&` or `||` goes; an order takes in its limit, or leaves it out. */
function ofOperator(
  left: Expression,
  operator: SyntaxKind,
  right: Expression,
  whole: Node,
  text: (node: Node) => string,
): readonly Change[] {
  if (operator === SyntaxKind.AmpersandAmpersandToken || operator === SyntaxKind.BarBarToken) {
    return [
      [whole, `(${text(right)})`, `without ${text(left)}`],
      [whole, `(${text(left)})`, `without ${text(right)}`],
    ];
  }
  const neighbour = COMPARISONS.get(operator);
  return neighbour === undefined ? [] : [[whole, `${text(left)} ${neighbour} ${text(right)}`, `${neighbour} instead`]];
}

function ofCall(
  call: Node & { readonly expression: Expression; readonly arguments: readonly Expression[] },
  text: (node: Node) => string,
): readonly Change[] {
  const callee = call.expression;
  const [first, second] = call.arguments;
  if (isPropertyAccessExpression(callee)) {
    const list = text(callee.expression);
    const name = callee.name.text;
    if (name === 'filter') return [[call, `(${list})`, 'filter removed']];
    if (name === 'some') return [[call, `${list}.every(${call.arguments.map(text).join(', ')})`, 'every for some']];
    if (name === 'every') return [[call, `${list}.some(${call.arguments.map(text).join(', ')})`, 'some for every']];
    return [];
  }
  if (!isIdentifier(callee) || first === undefined) return [];
  // the signatures of a file are taken for good
  if (callee.text === 'verifyRole' && second !== undefined) return [[call, `(${text(second)}).signed`, 'not verified']];
  // what a parser refuses is taken as it comes
  if (/^(parse|check)/.test(callee.text)) return [[call, `(${text(first)})`, 'not parsed']];
  return [];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
