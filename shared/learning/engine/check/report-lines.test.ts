import { describe, expect, test } from 'vitest';
import type { EngineKind } from '../open-engine.ts';
import { firstDifference } from './compare-values.ts';
import { type EngineReport, inspectEngines } from './inspect-engines.ts';
import type { ProbedEngine, probeEngine } from './probe-engine.ts';
import { reportLines } from './report-lines.ts';

const absent: Omit<ProbedEngine, 'kind'> = {
  description: null,
  values: null,
  stepsPerSecond: null,
  problem: 'It is not installed.',
  brokeDown: false,
};
const works: Omit<ProbedEngine, 'kind'> = {
  description: 'a fine engine',
  values: { sum: [1, 2] },
  stepsPerSecond: 12.3,
  problem: null,
  brokeDown: false,
};
const wrong = { ...works, values: { sum: [1, 2.1] } };

const probing =
  (found: Partial<Record<EngineKind, Omit<ProbedEngine, 'kind'>>>): typeof probeEngine =>
  async (kind) => ({ kind, ...(found[kind] ?? absent) });

const inspect = (found: Parameters<typeof probing>[0]): Promise<EngineReport[]> =>
  inspectEngines({ probe: probing(found) });

describe('inspectEngines()', () => {
  test('holds each engine against plain JavaScript', async () => {
    const reports = await inspect({ native: wrong, wasm: works, plain: works });
    expect(reports.map(({ kind, usable }) => [kind, usable])).toEqual([
      ['cuda', false],
      ['native', false],
      ['webgpu', false],
      ['wasm', true],
      ['plain', true],
    ]);
    expect(reports[1]!.problem).toBe('It computes sum wrong: 2 is right, found 2.1.');
    expect(reports[0]!.problem).toBe('It is not installed.');
  });
});

describe('firstDifference()', () => {
  test('allows rounding, and takes what is no number or missing for wrong', () => {
    expect(firstDifference({ sum: [1, 2.001] }, { sum: [1, 2] })).toBeNull();
    expect(firstDifference({ sum: [1, Number.NaN] }, { sum: [1, 2] })).toContain('found NaN');
    expect(firstDifference({}, { sum: [1, 2] })).toContain('2 numbers are needed, found 0');
  });
});

describe('reportLines()', () => {
  const text = async (found: Parameters<typeof probing>[0], wanted?: string) =>
    reportLines(await inspect(found), { wanted: wanted ?? null }).join('\n');

  test('says of each engine whether it is usable or why not, and which one training uses', async () => {
    const lines = await text({ wasm: works, plain: { ...works, stepsPerSecond: 0.1234 } });
    expect(lines).toContain('cuda    not usable  It is not installed.');
    expect(lines).toContain('wasm    usable      a fine engine');
    expect(lines).toContain('self-check passed, 12 steps a second');
    expect(lines).toContain('self-check passed, 0.12 steps a second');
    expect(lines).toContain('Training here uses wasm: a fine engine.');
  });

  test('warns when the engine that training would use computes wrong', async () => {
    expect(await text({ native: wrong, wasm: works, plain: works })).toContain(
      'Training here would use native, which did not pass its check. Set WARDROUND_ENGINE=wasm until it is repaired.',
    );
  });

  test('warns of an engine that would take the training down with it', async () => {
    const crashes = { ...absent, problem: 'Its process ended (SIGSEGV) while it was opened.', brokeDown: true };
    expect(await text({ native: crashes, wasm: works, plain: works })).toContain(
      'Training here would use native, which did not pass its check. Set WARDROUND_ENGINE=wasm until it is repaired.',
    );
  });

  test('says how a faster engine is installed where there is one and it is not', async () => {
    const lines = (reports: EngineReport[]) => reportLines(reports, { canInstall: true }).join('\n');
    expect(lines(await inspect({ wasm: works, plain: works }))).toContain('npm run engine -- install native');
    expect(lines(await inspect({ native: works, wasm: works, plain: works }))).not.toContain('install native');
    expect(reportLines(await inspect({ plain: works }), { canInstall: false }).join()).not.toContain('install native');
  });

  test('heeds WARDROUND_ENGINE', async () => {
    expect(await text({ wasm: works, plain: works }, 'plain')).toContain(
      'Training here uses plain, because WARDROUND_ENGINE names it: a fine engine.',
    );
    expect(await text({ wasm: works, plain: works }, 'cuda')).toContain(
      'Training cannot run here: WARDROUND_ENGINE is "cuda". Unset it to let the fastest be chosen.',
    );
  });
});
