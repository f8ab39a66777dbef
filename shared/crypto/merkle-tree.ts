/**
 * The Merkle tree of RFC 6962, section 2.1: one hash that stands for a whole list of records.
 *
 * - An inclusion proof shows that a record is in the list behind a root, without the list.
 * - A consistency proof shows that a longer list begins with the shorter one that a root was seen of, so that nothing was
 *   changed, removed or put in between since.
 *
 * Leaves and nodes are hashed with different first bytes, so that no node can be passed off as a record. Verification
 * follows RFC 9162, sections 2.1.3.2 and 2.1.4.2, which are the same tree's. All hashes have 32 bytes.
 */
import { sha256 } from '../bytes/hash.ts';

export function leafHash(record: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([LEAF, record]));
}

/** The root over leaf hashes (2.1). The root over nothing is the hash of nothing. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  return leaves.length === 0 ? sha256(new Uint8Array()) : rootOf(leaves, { from: 0, to: leaves.length });
}

/** A tree that leaves are added to one by one: its root is at hand after each in the time of its height. */
export interface GrowingTree {
  add(leaf: Uint8Array): void;
  size(): number;
  root(): Uint8Array;
}

export function growTree(): GrowingTree {
  /** The complete trees that the leaves fill, each larger than the next. */
  const complete: { hash: Uint8Array; size: number }[] = [];
  let size = 0;
  return {
    add(leaf) {
      let grown = { hash: leaf, size: 1 };
      for (let last = complete.at(-1); last?.size === grown.size; last = complete.at(-1)) {
        grown = { hash: nodeHash(last.hash, grown.hash), size: 2 * grown.size };
        complete.pop();
      }
      complete.push(grown);
      size += 1;
    },
    size: () => size,
    root: () =>
      complete.length === 0
        ? merkleRoot([])
        : complete.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right)),
  };
}

/**
 * The audit path of a leaf (2.1.1), from the leaf's sibling upwards.
 *
 * @throws {RangeError} when there is no such leaf.
 */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (!Number.isSafeInteger(index) || index < 0 || index >= leaves.length) {
    throw new RangeError(`Cannot prove inclusion: the leaf must be one of ${leaves.length}, found number ${index}`);
  }
  const path: Uint8Array[] = [];
  let [from, to] = [0, leaves.length];
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from);
    if (index < middle) {
      path.push(rootOf(leaves, { from: middle, to }));
      to = middle;
    } else {
      path.push(rootOf(leaves, { from, to: middle }));
      from = middle;
    }
  }
  return path.reverse();
}

/**
 * What shows that the tree over all `leaves` begins with the tree over the first `size` of them (2.1.2). Empty when there is
 * nothing to show: every tree begins with the empty one and with itself.
 *
 * @throws {RangeError} when there are fewer leaves.
 */
export function consistencyProof(leaves: readonly Uint8Array[], size: number): Uint8Array[] {
  if (!Number.isSafeInteger(size) || size < 0 || size > leaves.length) {
    throw new RangeError(`Cannot prove consistency: the size must be at most ${leaves.length}, found ${size}`);
  }
  if (size === 0 || size === leaves.length) return [];
  const path: Uint8Array[] = [];
  let [from, to] = [0, leaves.length];
  while (to !== size) {
    const middle = from + largestPowerBelow(to - from);
    if (size <= middle) {
      path.push(rootOf(leaves, { from: middle, to }));
      to = middle;
    } else {
      path.push(rootOf(leaves, { from, to: middle }));
      from = middle;
    }
  }
  // A subtree that is the whole of the shorter tree is known to the verifier.
  if (from > 0) path.push(rootOf(leaves, { from, to }));
  return path.reverse();
}

/** Whether the leaf stands at the index of the list of `size` records that has this root. */
export function verifyInclusion(
  proof: readonly Uint8Array[],
  { leaf, index, size, root }: { leaf: Uint8Array; index: number; size: number; root: Uint8Array },
): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  let [at, last] = [index, size - 1];
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && areEqual(hash, root);
}

export interface TreeHead {
  /** How many records. */
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether the tree `after` begins with the tree `before`. */
export function verifyConsistency(
  proof: readonly Uint8Array[],
  { before, after }: { before: TreeHead; after: TreeHead },
): boolean {
  if (before.size > after.size) return false;
  if (before.size === after.size) return proof.length === 0 && areEqual(before.root, after.root);
  if (before.size === 0) return proof.length === 0 && areEqual(before.root, sha256(new Uint8Array()));
  // A shorter tree that is complete is itself the first hash, which the proof leaves out.
  const path = isPowerOfTwo(before.size) ? [before.root, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined) return false;
  let [at, last] = [before.size - 1, after.size - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  let [older, newer] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      older = nodeHash(sibling, older);
      newer = nodeHash(sibling, newer);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      newer = nodeHash(newer, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && areEqual(older, before.root) && areEqual(newer, after.root);
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([NODE, left, right]));
}

function rootOf(leaves: readonly Uint8Array[], { from, to }: { from: number; to: number }): Uint8Array {
  if (to - from === 1) return leaves[from]!;
  const middle = from + largestPowerBelow(to - from);
  return nodeHash(rootOf(leaves, { from, to: middle }), rootOf(leaves, { from: middle, to }));
}

/** The largest power of two that is smaller than `size`, which is at least 2. */
function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

function isPowerOfTwo(size: number): boolean {
  return size === 1 || largestPowerBelow(size) * 2 === size;
}

// Sizes may be beyond 32 bits, so no bit operators.
function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
