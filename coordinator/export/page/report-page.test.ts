import { describe, expect, test } from 'vitest';
import { buildReport } from '../build-report.ts';
import { exampleRecord } from '../example-record.ts';
import type { StudyRecord } from '../study-record.ts';
import { reportPage } from './report-page.ts';

const versions = { wardround: '0.1.0', node: 'v24.0.0' };
const pageOf = (record: StudyRecord) => reportPage(buildReport(record, versions));
const page = pageOf(exampleRecord);

/** Elements that have no end tag in HTML, and those that close themselves in the SVG of the charts. */
const voidElements = new Set(['meta', 'link', '!doctype']);

function unbalancedTags(text: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, closing, name, rest] of text.matchAll(/<(\/?)([!a-z][a-z0-9]*)([^<>]*)>/gi)) {
    if (closing === '/') {
      const last = open.pop();
      if (last !== name) wrong.push(`</${name}> closes <${last}>`);
    } else if (!voidElements.has(name!.toLowerCase()) && !rest!.endsWith('/')) open.push(name!);
  }
  return [...wrong, ...open];
}

describe('reportPage()', () => {
  test('asks the network for nothing and runs no script', () => {
    expect(page).not.toMatch(/https?:|\/\/[a-z]|<script|<iframe|<img|@import|url\(|\bsrc=|\bon[a-z]+=/i);
    expect(page).toContain("default-src 'none'");
    const references = [...page.matchAll(/href="([^"]*)"/g)].map(([, target]) => target);
    expect(references.every((target) => target!.startsWith('#') || target === 'data:,')).toBe(true);
  });

  test('closes every element that it opens', () => {
    expect(unbalancedTags(page)).toEqual([]);
  });

  test('writes text from a plan as text', () => {
    const description = `</p><script>alert("a")</script><img src=x onerror='b'>`;
    const hostile = pageOf({ ...exampleRecord, plan: { ...exampleRecord.plan, description } });
    expect(hostile).not.toMatch(/<script|<img/);
    expect(hostile).toContain('&lt;script&gt;alert(&quot;a&quot;)&lt;/script&gt;');
    expect(unbalancedTags(hostile)).toEqual([]);
  });

  test('shows each site in every chart and table it belongs to, and says who was left out and why', () => {
    expect(page).toContain('st-olaf was left out of round 2: its update came after the deadline');
    expect(page).toContain('lakeside was invited and did not stay');
    expect(page).toContain('In 1 of 9 rounds a hospital was left out');
    expect(page).toContain('<code>no-pixel-data</code>');
    for (const stage of exampleRecord.stages) {
      expect(page).toContain(`aria-label="Training loss in the stage ${stage.name}, by round and site;`);
    }
  });

  test('says when a gain is not larger than two standard errors', () => {
    const weak = pageOf({
      ...exampleRecord,
      evaluations: exampleRecord.evaluations.map(({ site, report }) => ({
        site,
        report: {
          ...report,
          results: report.results.map((result) =>
            result.gainOverRandom === null ? result : { ...result, gainOverRandom: { mean: 0.05, standardError: 0.1 } },
          ),
        },
      })),
    });
    expect(weak).toContain('not larger than two standard errors');
    expect(weak).toContain('does not show that it learned something useful');
    expect(weak).not.toContain('<td>yes</td>');
  });

  test.each([
    ['failed', 'The study failed'],
    ['aborted', 'was stopped'],
    ['running', 'still running'],
  ] as const)('shows a study that is %s with what it has', (state, sentence) => {
    const unfinished = pageOf({
      ...exampleRecord,
      state,
      failure: state === 'failed' ? 'quorum-not-reached' : null,
      endedMillis: state === 'running' ? null : exampleRecord.endedMillis,
      stages: [],
      evaluations: [],
      sites: [],
    });
    expect(unfinished).toContain(sentence);
    expect(unfinished).toContain('No hospital took part.');
    expect(unbalancedTags(unfinished)).toEqual([]);
  });

  test('draws a stage of a single round', () => {
    const stages = exampleRecord.stages.map((stage) => ({ ...stage, rounds: stage.rounds.slice(0, 1) }));
    expect(pageOf({ ...exampleRecord, stages })).not.toMatch(/NaN|Infinity/);
    expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });
});
