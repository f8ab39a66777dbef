/** One line per thing that is wrong with a plan: where, what was needed, what was found. */
import { z } from 'zod';
import { branchOf, describeSchema, type JsonSchema, memberOf, schemaAt } from './describe-schema.ts';
import { StudyPlan } from './plan.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

const schema = z.toJSONSchema(StudyPlan, { io: 'input' }) as JsonSchema;

/** For example `stages[0].batch: needed a whole number from 2 to 4096, found 1`. Long texts of the plan are not repeated. */
export function planProblems(plan: unknown, issues: readonly Issue[]): string[] {
  return [...new Set(issues.flatMap((issue) => describeIssue(plan, issue, issue.path)))];
}

function describeIssue(plan: unknown, issue: Issue, path: Path): string[] {
  const place = formatPath(path);
  const value = path.reduce(memberOf, plan);
  const expected = schemaAt(schema, path, plan);
  switch (issue.code) {
    case 'custom':
      return [`${place}: ${issue.message}`];
    case 'invalid_format':
      return [`${place}: ${issue.message}, found ${formatFound(value)}`];
    case 'invalid_key':
      return issue.issues.map(({ message }) => `${place}: the name ${message}`);
    case 'unrecognized_keys': {
      const settings = Object.keys((expected && branchOf(expected, value).properties) ?? {}).join(', ');
      return issue.keys.map((key) => `${place}: there is no setting ${formatText(key)}; there are ${settings}`);
    }
    case 'invalid_union': {
      if (issue.discriminator !== undefined) {
        const parent = schemaAt(schema, path.slice(0, -1), plan);
        const kinds = (parent?.oneOf ?? []).map(({ properties }) => JSON.stringify(properties?.['kind']?.const));
        return [`${place}: needed ${kinds.join(' or ')}, found ${formatFound(value)}`];
      }
      // The branch that could read the value as a whole is the one its author meant.
      const meant = issue.errors.find((branch) => branch.length > 0 && branch.every((inner) => inner.path.length > 0));
      if (meant !== undefined) return meant.flatMap((inner) => describeIssue(plan, inner, [...path, ...inner.path]));
      break;
    }
  }
  const needed = expected === undefined ? 'another value' : describeSchema(expected);
  return [`${place}: needed ${needed}, found ${formatFound(value)}`];
}

/** `stages[0].optimiser.learningRate`; `the plan` for the whole. */
function formatPath(path: Path): string {
  const text = path
    .map((key) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = String(key);
      return /^[A-Za-z_][A-Za-z0-9_-]{0,60}$/.test(name) ? `.${name}` : `[${formatText(name)}]`;
    })
    .join('');
  return text === '' ? 'the plan' : text.replace(/^\./, '');
}

function formatFound(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return formatText(value);
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length} entries`;
  return typeof value === 'object' ? 'a group of settings' : `a ${typeof value}`;
}

/** Short plain texts are repeated, which shows a slip of the pen; others could be anything. */
function formatText(text: string): string {
  return /^[\w .,:;/+-]{0,40}$/.test(text) ? JSON.stringify(text) : `a text of ${text.length} characters`;
}
