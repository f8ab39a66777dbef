import { describe, expect, test } from 'vitest';
import { appendRecord, CHAIN_START, verifyChain } from './hash-chain.ts';

function chainOf(values: readonly string[], start = { seq: 0, hash: CHAIN_START }): string[] {
  let { hash } = start;
  return values.map((what, index) => {
    const appended = appendRecord(hash, { seq: start.seq + index, what });
    hash = appended.hash;
    return appended.line.trimEnd();
  });
}

const lines = chainOf(['a', 'b', 'c', 'd']);
const faultOf = (damaged: readonly string[]) => {
  const finding = verifyChain(damaged);
  return finding.ok ? null : finding.fault;
};

describe('appendRecord()', () => {
  test('writes a known line', () => {
    expect(appendRecord(CHAIN_START, { seq: 0, what: 'a' })).toEqual({
      line:
        '{"hash":"85de9a036540c00862ea88de896f6c26ae089bfd9da166fcf23d52eea67257ee",' +
        `"prevHash":"${CHAIN_START}","seq":0,"what":"a"}\n`,
      hash: '85de9a036540c00862ea88de896f6c26ae089bfd9da166fcf23d52eea67257ee',
    });
  });
});

describe('verifyChain()', () => {
  test('finds nothing in what was appended, and gives its head', () => {
    const finding = verifyChain(lines);
    expect(finding).toMatchObject({ ok: true, head: JSON.parse(lines[3]!).hash });
    expect(finding.ok && finding.records.map(({ what }) => what)).toEqual(['a', 'b', 'c', 'd']);
    expect(verifyChain([])).toEqual({ ok: true, records: [], head: CHAIN_START });
  });

  test('finds an edited record', () => {
    expect(faultOf(lines.with(1, lines[1]!.replace('"b"', '"x"')))).toEqual({ kind: 'edited', line: 2 });
  });

  test('finds a record replaced by one that is whole by itself', () => {
    const replaced = appendRecord(JSON.parse(lines[0]!).hash, { seq: 1, what: 'x' }).line.trimEnd();
    expect(faultOf(lines.with(1, replaced))).toEqual({ kind: 'edited', line: 2 });
  });

  test('finds a second spelling of a record', () => {
    expect(faultOf(lines.with(1, lines[1]!.replace('{', '{ ')))).toEqual({ kind: 'edited', line: 2 });
  });

  test('finds a deleted record, also the first', () => {
    expect(faultOf(lines.toSpliced(1, 1))).toEqual({ kind: 'deleted', line: 2 });
    expect(faultOf(lines.slice(1))).toEqual({ kind: 'deleted', line: 1 });
  });

  test('finds reordered records', () => {
    expect(faultOf([lines[0]!, lines[2]!, lines[1]!, lines[3]!])).toEqual({ kind: 'reordered', line: 2 });
  });

  test('finds a second history beside the first, and a record written twice', () => {
    const fork = chainOf(['x'], { seq: 2, hash: JSON.parse(lines[1]!).hash });
    expect(faultOf([...lines.slice(0, 3), ...fork])).toEqual({ kind: 'forked', line: 4 });
    expect(faultOf([...lines, lines[3]!])).toEqual({ kind: 'forked', line: 5 });
  });

  test('finds a line that is no record', () => {
    for (const line of ['', '{"seq":1', '[]', 'null', '{"seq":1}']) {
      expect(faultOf(lines.with(1, line))).toEqual({ kind: 'unreadable', line: 2 });
    }
  });
});
