/** Which study a person means: by its name or by the beginning of its hash. */
import { UsageError } from './exit-codes.ts';

const shortestHash = 6;

/** @throws {UsageError} when none or more than one fits. */
export function chooseStudy<Study extends { readonly study: string; readonly name: string }>(
  studies: readonly Study[],
  wanted: string,
): Study {
  const found = studies.filter(
    ({ study, name }) => name === wanted || (wanted.length >= shortestHash && study.startsWith(wanted)),
  );
  const [only, another] = found;
  if (only !== undefined && another === undefined) return only;
  const known = studies.map(({ study, name }) => `${name} (${study.slice(0, 12)})`).join(', ') || 'none';
  throw new UsageError(
    another === undefined
      ? `Cannot find the study: needed a study's name or the first ${shortestHash} digits of its hash. There are: ${known}`
      : `Cannot tell which study is meant: more than one fits. Use the hash. There are: ${known}`,
  );
}
