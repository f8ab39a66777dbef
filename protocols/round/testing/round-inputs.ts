/** What tests of the round machine put in where the content does not matter. */

/** A hash that shows its label when it is decoded. */
export function labelHash(label: string): string {
  return Buffer.from(label.padEnd(32, '.').slice(0, 32)).toString('hex');
}

export const siteReady = {
  inventory: {
    patients: 9,
    ...{ series: 1, slices: 1, nonHounsfieldSeries: 0, clinical: 0, expression: 0, linked: 0, heldOut: 0 },
  },
  quarantine: {},
  engine: { kind: 'plain' as const, description: 'plain' },
};

export const trainingFigures = { loss: 1, steps: 2, samples: 3, seconds: 4 };
