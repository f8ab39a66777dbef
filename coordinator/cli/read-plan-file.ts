/** Reads a study plan from a JSON or YAML file. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { checkStudyPlan, parseStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { parseDocument } from 'yaml';
import { limits } from '../edge/limits.ts';
import { UsageError } from './exit-codes.ts';

/**
 * @throws {UsageError} when the file cannot be read or is no YAML.
 * @throws {StudyPlanError} with everything that is wrong with the plan.
 */
export async function readPlanFile(file: string): Promise<StudyPlan> {
  let text: string;
  try {
    if ((await stat(file)).size > limits.planBytes) throw new RangeError('too large');
    text = await readFile(file, 'utf8');
  } catch (error) {
    const found = error instanceof RangeError ? 'a larger one' : 'none that can be read';
    throw new UsageError(
      `Cannot read the study plan: needed a JSON or YAML file of at most ${limits.planBytes >> 20} MB, found ${found}.`,
    );
  }
  if (path.extname(file).toLowerCase() === '.json') return parseStudyPlan(text);
  // YAML 1.2 core: no custom tags, and few aliases, so that a small file stays a small plan.
  const document = parseDocument(text, { schema: 'core', uniqueKeys: true, logLevel: 'silent' });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const line = problem.linePos?.[0].line;
    throw new UsageError(
      `Cannot read the study plan: it is no YAML${line === undefined ? '' : ` from line ${line} on`}.`,
    );
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new UsageError('Cannot read the study plan: it has too many aliases.');
  }
  return checkStudyPlan(value);
}
