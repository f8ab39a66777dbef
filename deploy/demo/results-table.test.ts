import { buildReport } from '@wardround/coordinator/export/build-report.ts';
import { exampleRecord } from '@wardround/coordinator/export/example-record.ts';
import { describe, expect, test } from 'vitest';
import { dataLines, resultsTable } from './results-table.ts';

const versions = { wardround: '0.1.0', node: 'v24.0.0' };
const report = buildReport(exampleRecord, versions);

describe('resultsTable()', () => {
  const lines = resultsTable(report);

  test('sets random, alone and federated side by side, with errors, the gain and the patients', () => {
    const row = lines.find((line) => line.startsWith('sex '))!;
    expect(row.replace(/ {2,}/g, ' | ')).toBe(
      'sex | 0.546 ± 0.037 | 0.676 ± 0.037 | 0.766 ± 0.037 | +0.220 ± 0.040 | yes | 73',
    );
    expect(lines.some((line) => line.startsWith('mean over 2 tasks '))).toBe(true);
  });

  test('aligns every column of a table', () => {
    const from = lines.findIndex((line) => line.startsWith('linear probe'));
    const to = lines.indexOf('', from);
    const plusMinus = lines.slice(from + 3, to).map((line) => [...line.matchAll(/±/g)].map(({ index }) => index));
    for (const columns of plusMinus) expect(columns).toEqual(plusMinus[0]);
  });

  test('sets few-shot figures in order of their number of labels', () => {
    const from = lines.findIndex((line) => line.startsWith('few-shot, slice means'));
    expect(lines[from + 1]!.replace(/ {2,}/g, ' | ')).toBe('task | encoder | k = 1 | k = 5 | k = 10 | patients');
    expect(lines[from + 5]!.replace(/ {2,}/g, ' | ')).toBe(
      ' | federated | 0.634 ± 0.037 | 0.766 ± 0.037 | 0.766 ± 0.037',
    );
  });

  test('shows what each hospital reached alone, on the patients of that hospital', () => {
    expect(lines.map((line) => line.replace(/ {2,}/g, ' | '))).toContain(
      'sex | st-olaf | 0.570 ± 0.075 | 0.700 ± 0.075 | 0.790 ± 0.075 | 18',
    );
  });

  test('fits a hundred columns', () => {
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('sets retrieval beside chance', () => {
    expect(lines.find((line) => line.startsWith('ct to expression'))).toMatch(/21\.0 % +3\.6 % +58\.0 % +18\.2 % +55$/);
  });

  test('says so when nothing could be measured', () => {
    expect(resultsTable(buildReport({ ...exampleRecord, evaluations: [] }, versions))).toEqual([
      'No task could be measured: no hospital had enough held-out patients of both classes.',
    ]);
  });
});

describe('dataLines()', () => {
  const lines = dataLines(report);

  test('counts rounds and bytes per hospital', () => {
    expect(lines.find((line) => line.startsWith('st-olaf '))).toMatch(/8\/9 +68\.4 MB$/);
  });

  test('names what was set aside, not measured, left out or absent', () => {
    expect(lines).toContain('not measured at st-olaf: egfr (fewer held-out patients than may be reported)');
    expect(lines).toContain('st-olaf: left out of pretraining round 2: its update came after the deadline');
    expect(lines.map((line) => line.replace(/ {2,}/g, ' | '))).toContain('DICOM file without an image | 2 | 2 | 0');
    expect(lines.some((line) => line.startsWith('lakeside: not in the study'))).toBe(true);
    expect(lines).toContain('riverside: 78 series without Hounsfield units, scaled by their own range');
  });
});
