import { describe, expect, test } from 'vitest';
import { sha256 } from '../bytes/hash.ts';
import {
  consistencyProof,
  growTree,
  inclusionProof,
  leafHash,
  merkleRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle-tree.ts';

/** The records and roots with which implementations of RFC 6962 check each other, from the log that came with the RFC. */
const KNOWN_RECORDS = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const KNOWN_ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const knownLeaves = KNOWN_RECORDS.map((record) => leafHash(Buffer.from(record, 'hex')));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function leavesOf(size: number): Uint8Array[] {
  return Array.from({ length: size }, (_, index) => leafHash(Buffer.from(`record ${index}`)));
}

describe('merkleRoot()', () => {
  test('is the known root of each beginning of the known records', () => {
    expect(KNOWN_ROOTS.map((_, index) => hex(merkleRoot(knownLeaves.slice(0, index + 1))))).toEqual(KNOWN_ROOTS);
  });

  test('over nothing is the hash of nothing', () => {
    expect(hex(merkleRoot([]))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  test('does not take a node for a leaf', () => {
    const [left, right] = leavesOf(2);
    expect(hex(merkleRoot([left!, right!]))).not.toBe(hex(leafHash(Buffer.concat([left!, right!]))));
  });
});

describe('growTree()', () => {
  test('has the same root after every leaf', () => {
    const leaves = leavesOf(70);
    const tree = growTree();
    expect(hex(tree.root())).toBe(hex(merkleRoot([])));
    for (const [index, leaf] of leaves.entries()) {
      tree.add(leaf);
      expect(tree.size()).toBe(index + 1);
      expect(hex(tree.root())).toBe(hex(merkleRoot(leaves.slice(0, index + 1))));
    }
  });
});

describe('inclusionProof()', () => {
  test('is the known path of known records', () => {
    expect(inclusionProof(knownLeaves, 0).map(hex)).toEqual([
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ]);
    expect(inclusionProof(knownLeaves.slice(0, 3), 2).map(hex)).toEqual([KNOWN_ROOTS[1]]);
  });

  test('proves every leaf of every small tree, and nothing else', () => {
    for (let size = 1; size <= 33; size += 1) {
      const leaves = leavesOf(size);
      const root = merkleRoot(leaves);
      for (const [index, leaf] of leaves.entries()) {
        const proof = inclusionProof(leaves, index);
        expect(verifyInclusion(proof, { leaf, index, size, root })).toBe(true);
        expect(verifyInclusion(proof, { leaf: sha256('other'), index, size, root })).toBe(false);
        expect(verifyInclusion([...proof, root], { leaf, index, size, root })).toBe(false);
        expect(verifyInclusion(proof.slice(1), { leaf, index, size, root })).toBe(size === 1);
        if (size > 1) expect(verifyInclusion(proof, { leaf, index: (index + 1) % size, size, root })).toBe(false);
      }
    }
  });

  test('refuses a leaf that is not there', () => {
    expect(() => inclusionProof(leavesOf(3), 3)).toThrow(RangeError);
  });
});

describe('consistencyProof()', () => {
  test('is the known path between known trees', () => {
    expect(consistencyProof(knownLeaves, 1).map(hex)).toEqual([
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ]);
    expect(consistencyProof(knownLeaves, 6).map(hex)).toEqual([
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
  });

  test('proves every beginning of every small tree, and no other history', () => {
    for (let size = 0; size <= 33; size += 1) {
      const leaves = leavesOf(size);
      const after = { size, root: merkleRoot(leaves) };
      for (let old = 0; old <= size; old += 1) {
        const proof = consistencyProof(leaves, old);
        const before = { size: old, root: merkleRoot(leaves.slice(0, old)) };
        expect(verifyConsistency(proof, { before, after })).toBe(true);
        const changed = { size: old, root: sha256(`another history of ${old}`) };
        expect(verifyConsistency(proof, { before: changed, after })).toBe(false);
        expect(verifyConsistency([...proof, after.root], { before, after })).toBe(false);
        if (proof.length > 0) expect(verifyConsistency(proof.slice(1), { before, after })).toBe(false);
      }
    }
  });

  test('finds a record changed inside the older part', () => {
    const before = { size: 5, root: merkleRoot(leavesOf(5)) };
    const rewritten = leavesOf(9);
    rewritten[2] = leafHash(Buffer.from('rewritten'));
    const after = { size: 9, root: merkleRoot(rewritten) };
    expect(verifyConsistency(consistencyProof(rewritten, 5), { before, after })).toBe(false);
  });

  test('refuses a tree that became shorter', () => {
    const leaves = leavesOf(4);
    expect(() => consistencyProof(leaves, 5)).toThrow(RangeError);
    const before = { size: 5, root: merkleRoot(leavesOf(5)) };
    expect(verifyConsistency([], { before, after: { size: 4, root: merkleRoot(leaves) } })).toBe(false);
  });
});
