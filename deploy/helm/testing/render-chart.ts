/**
 * Renders a chart as Helm does, as far as this project's templates go: of Go's text/template `if`, `range`, `define`, fields,
 * strings, pipelines and trimmed blanks, of Helm's functions `include`, `nindent`, `quote`, `printf`, `toJson` and
 * `trimPrefix`. Whatever else a template uses is an error here, not something that is passed over.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly pipeline: string }
  | { readonly kind: 'if' | 'range'; readonly pipeline: string; readonly body: readonly Node[] }
  | { readonly kind: 'define'; readonly name: string; readonly body: readonly Node[] };

interface Scope {
  readonly dot: unknown;
  readonly defined: Map<string, readonly Node[]>;
}

/** The chart's manifests by template, unparsed; templates that render to blanks are left out. */
export function renderChart(
  chart: string,
  release: { readonly name: string; readonly values: object },
): Map<string, string> {
  const root = {
    Values: release.values,
    Release: { Name: release.name, Service: 'Helm', Namespace: 'default' },
    Chart: capitalised(parse(readFileSync(path.join(chart, 'Chart.yaml'), 'utf8')) as object),
  };
  const defined: Scope['defined'] = new Map();
  const files = readdirSync(path.join(chart, 'templates')).sort();
  const trees = files.map(
    (file) => [file, parseTemplate(readFileSync(path.join(chart, 'templates', file), 'utf8'))] as const,
  );
  for (const [, tree] of trees) {
    for (const node of tree) if (node.kind === 'define') defined.set(node.name, node.body);
  }
  const rendered = trees.map(([file, tree]) => [file, render(tree, { dot: root, defined })] as const);
  return new Map(rendered.filter(([file, text]) => !file.startsWith('_') && text.trim() !== ''));
}

function capitalised(chart: object): object {
  return Object.fromEntries(
    Object.entries(chart).map(([name, value]) => [name[0]!.toUpperCase() + name.slice(1), value]),
  );
}

function parseTemplate(text: string): readonly Node[] {
  const open: { readonly head: string; readonly body: Node[] }[] = [{ head: '', body: [] }];
  let end = 0;
  let trimNext = false;
  const addText = (piece: string, trimEnd: boolean): void => {
    let kept = trimNext ? piece.trimStart() : piece;
    if (trimEnd) kept = kept.trimEnd();
    if (kept !== '') open.at(-1)!.body.push({ kind: 'text', text: kept });
  };
  for (const action of text.matchAll(/\{\{(- )?\s*(.*?)\s*( -)?\}\}/gs)) {
    const [whole, trimBefore, word = '', trimAfter] = action;
    addText(text.slice(end, action.index), trimBefore !== undefined);
    end = action.index + whole.length;
    trimNext = trimAfter !== undefined;
    if (/^(if|range|define) /.test(word)) {
      open.push({ head: word, body: [] });
    } else if (word === 'end') {
      const { head, body } = open.pop()!;
      const [, kind, rest = ''] = /^(if|range|define) (.*)$/s.exec(head) ?? [];
      if (kind === 'define') open.at(-1)!.body.push({ kind, name: JSON.parse(rest) as string, body });
      else open.at(-1)!.body.push({ kind: kind as 'if' | 'range', pipeline: rest, body });
    } else {
      open.at(-1)!.body.push({ kind: 'output', pipeline: word });
    }
  }
  addText(text.slice(end), false);
  if (open.length !== 1) throw new SyntaxError('a block of the template does not end, or ends twice');
  return open[0]!.body;
}

function render(nodes: readonly Node[], scope: Scope): string {
  return nodes.map((node) => renderNode(node, scope)).join('');
}

function renderNode(node: Node, scope: Scope): string {
  if (node.kind === 'text') return node.text;
  if (node.kind === 'define') return '';
  const value = evaluate(node.pipeline, scope);
  if (node.kind === 'if') return isTrue(value) ? render(node.body, scope) : '';
  if (node.kind === 'output') return printed(value);
  if (!Array.isArray(value)) throw new TypeError(`range over something that is no list: ${node.pipeline}`);
  return value.map((dot: unknown) => render(node.body, { ...scope, dot })).join('');
}

function evaluate(pipeline: string, scope: Scope): unknown {
  const commands = pipeline.split(' | ').map((command) => command.match(/"[^"]*"|[^\s"]+/g) ?? []);
  let last: readonly unknown[] = [];
  for (const [head = '', ...operands] of commands) {
    const values = [...operands.map((operand) => operandOf(operand, scope.dot)), ...last];
    last = [/^[."]/.test(head) ? operandOf(head, scope.dot) : call(head, { values, scope })];
  }
  return last[0];
}

function operandOf(operand: string, dot: unknown): unknown {
  if (operand.startsWith('"')) return JSON.parse(operand);
  if (/^\d+$/.test(operand)) return Number(operand);
  if (!/^\.$|^(\.[A-Za-z]+)+$/.test(operand)) throw new SyntaxError(`this renderer does not know ${operand}`);
  let value = dot;
  for (const name of operand.split('.').filter((part) => part !== '')) {
    if (typeof value !== 'object' || value === null || !(name in value)) throw new TypeError(`there is no ${operand}`);
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function call(
  name: string,
  { values, scope }: { readonly values: readonly unknown[]; readonly scope: Scope },
): unknown {
  const [first, second] = values;
  if (name === 'include') {
    const body = scope.defined.get(String(first));
    if (body === undefined) throw new TypeError(`nothing is defined as ${first}`);
    return render(body, { ...scope, dot: second });
  }
  if (name === 'nindent') return `\n${String(second).replaceAll(/^/gm, ' '.repeat(Number(first)))}`;
  if (name === 'quote') return JSON.stringify(String(first));
  if (name === 'toJson') return JSON.stringify(sorted(first));
  if (name === 'trimPrefix')
    return String(second).startsWith(String(first)) ? String(second).slice(String(first).length) : second;
  if (name === 'printf') {
    const rest = values.slice(1);
    return String(first).replaceAll('%s', () => String(rest.shift()));
  }
  throw new SyntaxError(`this renderer does not know the function ${name}`);
}

/** Go writes the names of a map in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, one]) => [name, sorted(one)]));
}

function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function printed(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TypeError('a template prints something that is no text or number: toJson says how');
}
