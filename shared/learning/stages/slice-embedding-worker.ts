/** A thread that embeds its share of slices, as one of a team. */
import { openEngine } from '../engine/open-engine.ts';
import { joinTeam } from '../parallel/team-member.ts';
import { createSliceEmbedderAlone } from './slice-embedder-alone.ts';
import type { SliceEmbeddingData } from './slice-embedder-team.ts';

joinTeam<SliceEmbeddingData, Float32Array, Float32Array>(async ({ data }) => {
  const engine = await openEngine({ prefer: [data.engine], threads: data.threads });
  const parameters = new Float32Array(data.parameters);
  const embedder = createSliceEmbedderAlone(engine, { ...data.options, parameters });
  return (images) => (images.length === 0 ? images : embedder.embed(images, {}));
});
