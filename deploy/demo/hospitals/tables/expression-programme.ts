/** How gene expression follows from the hidden severities: the biology that all hospitals' patients share. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { diseases } from '../diseases.ts';
import type { SyntheticPatient } from '../patients.ts';

export interface ExpressionProgramme {
  genes: readonly GeneProgramme[];
  /** Programmes that no disease touches: cell mixture, sex, time of day. */
  backgroundModules: number;
}

interface GeneProgramme {
  symbol: string;
  /** log2 of the usual expression. */
  base: number;
  /** Which programme drives the gene; null for genes that follow none. */
  module: number | null;
  /** Change for one standard deviation of its programme; below zero for genes it silences. */
  loading: number;
  noise: number;
}

const GENES_PER_MODULE = 20;
const BACKGROUND_MODULES = 5;
/** Turns a severity, a difference of percentiles, into about one standard deviation. */
const STANDARD = 3.5;

export function drawExpressionProgramme(random: SeededRandom, symbols: readonly string[]): ExpressionProgramme {
  const modules = diseases.length + BACKGROUND_MODULES;
  const order = random.shuffle(Array.from(symbols.keys()));
  const moduleOf = new Map(order.slice(0, modules * GENES_PER_MODULE).map((gene, place) => [gene, place % modules]));
  return {
    backgroundModules: BACKGROUND_MODULES,
    genes: symbols.map((symbol, gene) => {
      const own = random.fork(symbol);
      return {
        symbol,
        base: 2.5 + 7 * own.next(),
        module: moduleOf.get(gene) ?? null,
        loading: (0.4 + 0.4 * own.next()) * (own.next() < 0.25 ? -1 : 1),
        noise: 0.6 + 0.5 * own.next(),
      };
    }),
  };
}

/** log2 expression of the programme's genes in one patient, before the laboratory's own effects. */
export function drawExpressionProfile(
  random: SeededRandom,
  programme: ExpressionProgramme,
  patient: SyntheticPatient,
): Float64Array {
  const activity = [
    ...diseases.map((disease) => STANDARD * patient.severity[disease] + 0.6 * random.normal()),
    ...Array.from({ length: programme.backgroundModules }, () => random.normal()),
  ];
  return Float64Array.from(programme.genes, ({ base, module, loading, noise }) => {
    const driven = module === null ? 0 : loading * activity[module]!;
    return base + driven + noise * random.normal();
  });
}
