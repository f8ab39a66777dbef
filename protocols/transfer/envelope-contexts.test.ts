import { describe, expect, test } from 'vitest';
import { enrolmentContext, evaluationContext, updateContext } from './envelope-contexts.ts';

const update = { study: 'a'.repeat(64), stage: 'slices', round: 3, site: 'charite', model: 'b'.repeat(64) };

describe('envelope contexts', () => {
  test('are known texts', () => {
    expect(updateContext(update)).toBe(
      `{"envelope":"wardround/update/1","model":"${'b'.repeat(64)}","round":3,"site":"charite","stage":"slices","study":"${'a'.repeat(64)}"}`,
    );
    expect(evaluationContext({ study: 'c', site: 'tum' })).toBe(
      '{"envelope":"wardround/evaluation/1","site":"tum","study":"c"}',
    );
    expect(enrolmentContext({ site: 'tum', signingKey: 'k' })).toBe(
      '{"envelope":"wardround/enrolment/1","signingKey":"k","site":"tum"}',
    );
  });

  test.each([
    ['study', { study: 'c'.repeat(64) }],
    ['stage', { stage: 'alignment' }],
    ['round', { round: 4 }],
    ['site', { site: 'tum' }],
    ['model', { model: 'c'.repeat(64) }],
  ])('tell another %s apart', (_, change) => {
    expect(updateContext({ ...update, ...change })).not.toBe(updateContext(update));
  });

  test('do not carry along what they do not name', () => {
    expect(updateContext({ ...update, more: 1 } as typeof update)).toBe(updateContext(update));
  });
});
