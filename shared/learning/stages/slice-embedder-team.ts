import type { Engine, EngineKind } from '../engine/open-engine.ts';
import { shareOf } from '../parallel/share.ts';
import { startTeam } from '../parallel/team.ts';
import { threadsOfMember } from '../parallel/threads-for.ts';
import type { SliceEmbedder, SliceEmbedderOptions } from './slice-embedder.ts';

const script = new URL('./slice-embedding-worker.ts', import.meta.url);

/** What each thread is given when it starts. Its commands are its slices, its answers their embeddings. */
export interface SliceEmbeddingData {
  readonly engine: EngineKind;
  /** That each of them may compute in. */
  readonly threads: number;
  readonly options: Omit<SliceEmbedderOptions, 'parameters'>;
  readonly parameters: SharedArrayBuffer;
}

/** Embeds in a team of threads, each with an engine of this one's kind. */
export function createSliceEmbedderTeam(
  engine: Engine,
  { parameters, threads, ...options }: SliceEmbedderOptions & { readonly threads: number },
): SliceEmbedder {
  const shared = new SharedArrayBuffer(parameters.byteLength);
  new Float32Array(shared).set(parameters);
  const team = startTeam<SliceEmbeddingData, Float32Array, Float32Array>({
    script,
    members: threads,
    data: { engine: engine.kind, threads: threadsOfMember(engine, threads), options, parameters: shared },
  });
  return {
    slicesAtOnce: threads * options.batch,
    async embed(images, { signal }) {
      const pixels = options.imageSizePixels ** 2;
      const commands = Array.from({ length: threads }, (_, member) => {
        const { first, count } = shareOf(images.length / pixels, { member, members: threads });
        return images.slice(first * pixels, (first + count) * pixels);
      });
      const parts = await team.run(commands, { signal });
      const embeddings = new Float32Array(parts.reduce((size, part) => size + part.length, 0));
      let offset = 0;
      for (const part of parts) {
        embeddings.set(part, offset);
        offset += part.length;
      }
      return embeddings;
    },
    dispose: team.stop,
  };
}
