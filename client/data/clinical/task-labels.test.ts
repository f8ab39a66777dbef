import { describe, expect, test } from 'vitest';
import { noLabels, taskLabels } from './task-labels.ts';

const tasks = [
  { name: 'egfr', columns: ['EGFR', 'EGFR mutation status'], positive: ['Mutant'], negative: ['Wildtype'] },
  { name: 'event', columns: ['deadstatus'], positive: ['1'], negative: ['0'] },
];
const headings = ['EGFR mutation status', 'deadstatus'];

describe('taskLabels()', () => {
  test.each<[string, string, { egfr: 0 | 1 | null; event: 0 | 1 | null }]>([
    ['Mutant', '1', { egfr: 1, event: 1 }],
    [' wildtype', '0.0', { egfr: 0, event: 0 }],
    ['Not collected', '2', { egfr: null, event: null }],
    ['', '1.0', { egfr: null, event: 1 }],
  ])('reads %s and %s', (egfr, event, labels) => {
    expect(taskLabels([egfr, event], { tasks, headings })).toEqual(labels);
  });

  test('gives no label without the column', () => {
    expect(taskLabels(['Mutant'], { tasks, headings: ['Other'] })).toEqual({ egfr: null, event: null });
  });
});

describe('noLabels()', () => {
  test('names every task', () => {
    expect(noLabels(tasks)).toEqual({ egfr: null, event: null });
  });
});
