import { bagsAndTables } from './bags-and-tables.ts';
import { convolutions } from './convolutions.ts';
import { federation } from './federation.ts';
import { metrics } from './metrics.ts';
import { objectives } from './objectives.ts';
import { operations } from './operations.ts';
import { optimisers } from './optimisers.ts';
import { preprocessing } from './preprocessing.ts';
import type { GoldenProgram, GoldenPrograms } from './program.ts';
import { stateSpaces } from './state-spaces.ts';
import { textAndAnatomy } from './text-and-anatomy.ts';
import { transformers } from './transformers.ts';

const programs: GoldenPrograms = {
  ...operations,
  ...transformers,
  ...convolutions,
  ...stateSpaces,
  ...textAndAnatomy,
  ...bagsAndTables,
  ...objectives,
  ...optimisers,
  ...federation,
  ...metrics,
  ...preprocessing,
};

/** The program of a case, or null. Case names end in settings, so the longest beginning that fits is taken. */
export function findProgram(caseName: string): GoldenProgram | null {
  const fitting = Object.keys(programs).filter((beginning) => caseName.startsWith(beginning));
  fitting.sort((a, b) => b.length - a.length);
  return fitting.length === 0 ? null : programs[fitting[0]!]!;
}
