import { describe, expect, test } from 'vitest';
import { startCollectives } from './testing/start-collectives.ts';

const rows = 5;
const width = 2;
const numbers = Float32Array.from({ length: rows * width }, (_, index) => index);
const weights = numbers.map((index) => 10 * index + 1);

describe.each(['wasm', 'plain'] as const)('gatherRows() on %s', (engine) => {
  test.each([1, 2, 3, 4])('gives each of %i members all rows, and its own rows their gradient', async (members) => {
    const team = startCollectives(members, { engine });
    try {
      // Twice, so that each half of the memory is used.
      for (let time = 0; time < 2; time += 1) {
        const command = { kind: 'gather', rows, width, weights } as const;
        const answers = await team.run(Array(members).fill(command));
        for (const { gathered } of answers) expect(gathered).toEqual(numbers);
        expect(Float32Array.from(answers.flatMap(({ gradient }) => [...gradient!]))).toEqual(weights);
      }
    } finally {
      team.stop();
    }
  });
});
