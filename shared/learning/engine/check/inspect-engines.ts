import { type EngineKind, engineKinds } from '../open-engine.ts';
import { firstDifference } from './compare-values.ts';
import { type ProbedEngine, probeEngine } from './probe-engine.ts';

export interface EngineReport {
  readonly kind: EngineKind;
  readonly description: string | null;
  /** The process that tried it came to the end and its numbers are those of plain JavaScript. */
  readonly usable: boolean;
  /** One sentence where it is not usable. */
  readonly problem: string | null;
  readonly stepsPerSecond: number | null;
  /** The process that tried it ended or hung. */
  readonly brokeDown: boolean;
}

/**
 * Tries every engine, one after another so that none slows another down, and holds its numbers against those of the plain
 * one. The reports come in the order in which the engines would be chosen.
 *
 * @throws the signal's reason when it is aborted; no process is left.
 */
export async function inspectEngines({
  signal,
  probe = probeEngine,
  onProbe = () => {},
}: {
  readonly signal?: AbortSignal;
  readonly probe?: typeof probeEngine;
  /** Told which engine is tried next. */
  readonly onProbe?: (kind: EngineKind) => void;
} = {}): Promise<EngineReport[]> {
  const probed = new Map<EngineKind, ProbedEngine>();
  for (const kind of [...engineKinds].reverse()) {
    onProbe(kind);
    probed.set(kind, await probe(kind, { signal }));
  }
  const reference = probed.get('plain')!.values;
  return engineKinds.map((kind) => {
    const { description, values, stepsPerSecond, brokeDown, problem: failure } = probed.get(kind)!;
    const problem = failure ?? (values && reference ? firstDifference(values, reference) : null);
    return { kind, description, usable: problem === null, problem, stepsPerSecond, brokeDown };
  });
}
