import type { Engine } from '../engine/open-engine.ts';
import { encodeInParts, type Tower } from '../optimisers/towers-gradient.ts';

/** What a tower makes of all its rows, [rows, width] row by row; no gradient is taken. */
export async function embedTower(engine: Engine, tower: Tower): Promise<Float32Array> {
  const rows = encodeInParts(engine, tower);
  const values = Float32Array.from(await rows.data<'float32'>());
  rows.dispose();
  return values;
}
