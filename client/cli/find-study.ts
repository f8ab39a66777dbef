/** Finds the study that a person means by the beginning of its hash. */
import { Sha256 } from '@wardround/protocols/names.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { listOfferedStudies } from '../state/offered-studies.ts';
import { UsageError } from './exit-codes.ts';

const SHORTEST_BEGINNING = 8;

/** @throws {UsageError} when the text is neither a whole hash nor the beginning of exactly one offered study's. */
export async function findStudy(text: string, folder: string): Promise<Sha256Hex> {
  const beginning = text.toLowerCase();
  if (Sha256.safeParse(beginning).success) return beginning;
  if (!/^[0-9a-f]+$/.test(beginning) || beginning.length < SHORTEST_BEGINNING) {
    throw new UsageError(
      `Cannot find the study: its plan hash is needed, 64 hexadecimal digits or at least the first ${SHORTEST_BEGINNING}. "wardround-site study list" lists what is offered.`,
    );
  }
  const matches = (await listOfferedStudies(folder)).filter((study) => study.startsWith(beginning));
  const [only] = matches;
  if (only !== undefined && matches.length === 1) return only;
  throw new UsageError(
    `Cannot find the study: ${matches.length} offered studies begin with these digits, one is needed. "wardround-site study list" lists what is offered.`,
  );
}
