import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { drawPatients } from '../patients.ts';
import { hillcrest } from '../sites/hillcrest.ts';
import { riverside } from '../sites/riverside.ts';
import { studyGenes } from '../study-genes.ts';
import { drawExpressionProgramme } from './expression-programme.ts';
import { writeExpressionTable } from './expression-table.ts';

const prevalence = { emphysema: 0.5, malignancy: 0.5, fibrosis: 0.5 };
const patients = drawPatients(createRandom(1), { count: 40, idPrefix: 'T', prevalence });
const measured = patients.filter(({ has }) => has.expression).map(({ id }) => id);
const programme = drawExpressionProgramme(createRandom(3), studyGenes);
const write = (style: typeof riverside.expression) =>
  writeExpressionTable(patients, createRandom(2), { programme, style, emptyProfile: measured[0]! })
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));

describe('writeExpressionTable()', () => {
  test('puts patients in rows where the site has genes by columns', () => {
    const [heading, ...rows] = write(riverside.expression);
    expect(rows.map(([id]) => id)).toEqual(measured);
    expect(new Set(heading)).toEqual(
      new Set(['Patient ID', ...studyGenes, ...heading!.filter((gene) => /^LAB\d{3}$/.test(gene))]),
    );
    expect(heading).toHaveLength(1 + 360 + riverside.expression.surplusGenes);
    expect(rows[0]?.slice(1).every((cell) => cell === '')).toBe(true);
  });

  test('puts genes in rows elsewhere, without those the laboratory lacks', () => {
    const [heading, ...rows] = write(hillcrest.expression);
    expect(heading).toEqual(['symbol', ...measured]);
    const known = rows.map(([gene]) => gene!).filter((gene) => studyGenes.includes(gene));
    expect(known).toHaveLength(360 - hillcrest.expression.absentGenes);
  });
});

describe('drawExpressionProgramme()', () => {
  test('lets each programme drive twenty genes and leaves the others alone', () => {
    const sizes = new Map<number | null, number>();
    for (const { module } of programme.genes) sizes.set(module, (sizes.get(module) ?? 0) + 1);
    expect(sizes.get(null)).toBe(360 - 8 * 20);
    expect(Array.from({ length: 8 }, (_, module) => sizes.get(module))).toEqual(new Array(8).fill(20));
  });
});
