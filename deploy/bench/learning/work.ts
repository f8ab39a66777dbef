/** The work that is measured, the same on every engine and in PyTorch. */
export const work = {
  imageSizePixels: 224,
  /** Slices a step; each becomes two views. */
  batch: 8,
  projectionWidth: 128,
  temperature: 0.1,
  learningRate: 1e-4,
  weightDecay: 0.05,
  beta1: 0.9,
  beta2: 0.999,
  clipNorm: 1,
} as const;

/** The models by the names that `--models` takes. */
export const benchModels = {
  vit_tiny: { name: 'ViT-Ti/16', architecture: 'vit_tiny_patch16' },
  vit_small: { name: 'ViT-S/16', architecture: 'vit_small_patch16' },
} as const;
export type BenchModel = keyof typeof benchModels;
