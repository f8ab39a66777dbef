import { expect, test } from 'vitest';
import { groupSkipped } from './group-skipped.ts';

test('groupSkipped() puts together what was not measured for one reason at the same sites', () => {
  expect(
    groupSkipped([
      { site: 'b', task: 'sex', reason: 'one-class-only' },
      { site: 'a', task: 'sex', reason: 'one-class-only' },
      { site: 'a', task: 'egfr', reason: 'one-class-only' },
      { site: 'b', task: 'egfr', reason: 'one-class-only' },
      { site: 'a', task: 'kras', reason: 'one-class-only' },
      { site: 'a', task: 'kras', reason: 'too-few-patients' },
    ]),
  ).toEqual([
    { reason: 'one-class-only', sites: ['a', 'b'], tasks: ['sex', 'egfr'] },
    { reason: 'one-class-only', sites: ['a'], tasks: ['kras'] },
    { reason: 'too-few-patients', sites: ['a'], tasks: ['kras'] },
  ]);
});
