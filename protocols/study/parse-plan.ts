/** From whatever a file or the other side holds to a study plan that can be believed. */
import { parseStrictJson } from '@wardround/shared/bytes/strict-json.ts';
import { StudyPlan } from './plan.ts';
import { planProblems } from './plan-problems.ts';

/** More problems than this are counted, not listed. */
const MOST_LISTED = 100;

/** The plan cannot be used. The message lists every problem with its place. */
export class StudyPlanError extends Error {
  override readonly name = 'StudyPlanError';
  /** One line per problem, such as `stages[0].batch: needed a whole number from 2 to 4096, found 1`. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const listed = problems.slice(0, MOST_LISTED).map((problem) => `\n- ${problem}`);
    const rest = problems.length > MOST_LISTED ? `\nand ${problems.length - MOST_LISTED} more` : '';
    super(`Cannot use the study plan. Correct and try again:${listed.join('')}${rest}`);
    this.problems = problems;
  }
}

/**
 * Checks a plan, from JSON or YAML alike, and fills in what it leaves to the defaults, so that two spellings of a plan
 * have one hash.
 *
 * @throws {StudyPlanError} with every problem.
 */
export function checkStudyPlan(value: unknown): StudyPlan {
  const checked = StudyPlan.safeParse(value);
  if (!checked.success) throw new StudyPlanError(planProblems(value, checked.error.issues));
  return checked.data;
}

/**
 * Reads a plan from JSON text.
 *
 * @throws {StudyPlanError} when the text is not JSON, says something twice, or is not a plan.
 */
export function parseStudyPlan(json: string): StudyPlan {
  let value: unknown;
  try {
    value = parseStrictJson(json);
  } catch (error) {
    if (error instanceof SyntaxError) throw new StudyPlanError([error.message]);
    throw error;
  }
  return checkStudyPlan(value);
}
