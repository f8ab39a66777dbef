/** What a site reports about cross-modal retrieval among its own held-out patients: recall and chance per pair of modalities. */
import { type Modality, type ModalityPairName, modalityPairs } from '../modality-pairs.ts';
import { retrievalRecall } from './retrieval-recall.ts';

export interface RetrievalOptions {
  readonly width: number;
  /** Per modality: whether each patient has it; rows of others are not read. */
  readonly present: Readonly<Record<Modality, readonly boolean[]>>;
  readonly heldOut: readonly boolean[];
  /** Results on fewer held-out patients than this are left out. */
  readonly minimumPatients: number;
  readonly encoder: 'federated' | 'alone';
}

interface RetrievalRow {
  readonly pair: ModalityPairName;
  readonly encoder: 'federated' | 'alone';
  readonly recallAt1: number;
  readonly recallAt5: number;
  readonly chanceAt1: number;
  readonly chanceAt5: number;
  /** Held-out patients with both modalities: the gallery. */
  readonly patients: number;
}

export interface RetrievalEvaluation {
  readonly results: readonly RetrievalRow[];
  readonly skipped: readonly {
    readonly task: ModalityPairName;
    readonly reason: 'modality-absent' | 'too-few-patients';
  }[];
}

/** @param embeddings Per modality [patients, width], row-major, or null when the site has none. */
export function evaluateRetrieval(
  embeddings: Readonly<Record<Modality, Float32Array | null>>,
  { width, present, heldOut, minimumPatients, encoder }: RetrievalOptions,
): RetrievalEvaluation {
  const results: RetrievalRow[] = [];
  const skipped: { task: ModalityPairName; reason: 'modality-absent' | 'too-few-patients' }[] = [];
  for (const { name: pair, modalities } of modalityPairs) {
    const [a, b] = modalities;
    const ofA = embeddings[a];
    const ofB = embeddings[b];
    if (ofA === null || ofB === null) {
      skipped.push({ task: pair, reason: 'modality-absent' });
      continue;
    }
    const patients = [...heldOut.keys()].filter((i) => heldOut[i] && present[a][i] && present[b][i]);
    if (patients.length < Math.max(1, minimumPatients)) {
      skipped.push({ task: pair, reason: 'too-few-patients' });
      continue;
    }
    const take = (matrix: Float32Array) => {
      const rows = new Float32Array(patients.length * width);
      patients.forEach((patient, row) => {
        rows.set(matrix.subarray(patient * width, (patient + 1) * width), row * width);
      });
      return rows;
    };
    const [at1, at5] = retrievalRecall(take(ofA), take(ofB), { count: patients.length, width, ks: [1, 5] });
    results.push({
      pair,
      encoder,
      recallAt1: at1!.recall,
      recallAt5: at5!.recall,
      chanceAt1: at1!.chance,
      chanceAt5: at5!.chance,
      patients: patients.length,
    });
  }
  return { results, skipped };
}
