import type { Voxels } from './volume-patches.ts';

/**
 * Which tokens of a volume belong to which organ: a label map [volumes, depth, height, width], where organ k has the label
 * k + 1, max-pooled over the patches. Other labels are no organ.
 *
 * An organ with a voxel in the outer `borderVoxels` layers of the volume is taken for cut off by the crop and has no tokens
 * in it (fVLM), so that a text about the whole organ is not contrasted with a part. 0 keeps all organs.
 *
 * @returns [volumes, organs, tokens] of 1 and 0, tokens in the order of `volumePatches`.
 * @throws {TypeError} when patches do not fill the volume or the labels do not.
 */
export function organFlags(
  labels: ArrayLike<number>,
  {
    volumeVoxels,
    patchVoxels,
    organs,
    borderVoxels = 1,
  }: {
    readonly volumeVoxels: Voxels;
    readonly patchVoxels: Voxels;
    readonly organs: number;
    readonly borderVoxels?: number;
  },
): Float32Array {
  const [depth, height, width] = volumeVoxels;
  const grid = volumeVoxels.map((voxels, axis) => voxels / patchVoxels[axis]!);
  const volumes = labels.length / (depth * height * width);
  if (![...grid, volumes].every(Number.isInteger)) {
    throw new TypeError(
      `Cannot flag organs: ${labels.length} labels must be whole volumes of ${volumeVoxels.join(' x ')} voxels, and these whole patches of ${patchVoxels.join(' x ')}`,
    );
  }
  const [slices, rows, columns] = grid as [number, number, number];
  const tokens = slices * rows * columns;
  const flags = new Float32Array(volumes * organs * tokens);
  const cutOff = new Uint8Array(volumes * organs);
  const inside = (place: number, size: number) => place >= borderVoxels && place < size - borderVoxels;
  let voxel = 0;
  for (let volume = 0; volume < volumes; volume += 1) {
    for (let z = 0; z < depth; z += 1) {
      const slice = Math.floor(z / patchVoxels[0]);
      for (let y = 0; y < height; y += 1) {
        const row = slice * rows + Math.floor(y / patchVoxels[1]);
        const lineInside = inside(z, depth) && inside(y, height);
        for (let x = 0; x < width; x += 1) {
          const organ = labels[voxel]! - 1;
          voxel += 1;
          if (organ < 0 || organ >= organs) continue;
          const place = volume * organs + organ;
          flags[place * tokens + row * columns + Math.floor(x / patchVoxels[2])] = 1;
          if (!lineInside || !inside(x, width)) cutOff[place] = 1;
        }
      }
    }
  }
  cutOff.forEach((isCutOff, place) => {
    if (isCutOff === 1) flags.fill(0, place * tokens, (place + 1) * tokens);
  });
  return flags;
}
