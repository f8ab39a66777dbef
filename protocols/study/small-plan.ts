/** A plan with every part and small sizes, as it would stand in a file: for tests. */
export function smallPlan() {
  const optimiser = { learningRate: 1e-3 };
  return {
    format: 'wardround-study/1',
    name: 'small-study',
    seed: 7,
    imaging: { sizePixels: 32, windowHounsfield: { low: -1000, high: 400 }, maximumSlicesPerPatient: 8 },
    clinical: { fields: 'auto' },
    expression: { genes: ['TP53', 'EGFR', 'KRAS'] },
    encoders: {
      slice: { architecture: 'vit_tiny_patch16', projectionWidth: 64 },
      pooling: { architecture: 'gated-attention', width: 48, attentionWidth: 16 },
      clinical: { architecture: 'mlp', hiddenWidth: 24 },
      expression: { architecture: 'mlp', hiddenWidth: 40 },
    },
    stages: [
      {
        kind: 'slice-pretraining',
        objective: 'simclr',
        name: 'slices',
        rounds: 2,
        localEpochs: 1,
        batch: 16,
        temperature: 0.1,
        optimiser,
      },
      {
        kind: 'alignment',
        objective: 'info-nce',
        name: 'alignment',
        embeddingWidth: 32,
        rounds: 2,
        localEpochs: 1,
        batch: 8,
        temperature: 0.1,
        optimiser,
      },
    ],
    evaluation: {
      heldOutFraction: 0.3,
      tasks: [{ name: 'histology', columns: ['histology'], positive: ['adeno'], negative: ['squamous'] }],
      fewShot: { shots: [1, 5], seeds: 5 },
    },
    participation: { quorum: 2, readyDeadlineSeconds: 60, roundDeadlineSeconds: 600, evaluationDeadlineSeconds: 600 },
    protection: { mode: 'sealed', clip: 0.1, maximumSampleCount: 1000 },
  };
}
