/**
 * The selective scan as tensor operations, for engines whose memory a JavaScript loop cannot reach. The sequence is cut
 * into segments so that a segment's states stay within a fixed memory; within a segment the recurrence runs in blocks side
 * by side (linear-recurrence.ts), and back again from the end with the same recurrence.
 */
import type { Tensor, Tensor2D, Tensor3D, Tensor5D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { linearRecurrence } from './linear-recurrence.ts';
import type { ScanMethod, ScanSizes, ScanTensors } from './selective-scan-method.ts';
import { softplus } from './softplus.ts';

/** `segmentNumbers` limits the tensors that hold all states of a segment. */
export function scanByBlocks({ segmentNumbers }: { readonly segmentNumbers: number }): ScanMethod {
  return {
    forward: (engine, { tensors, sizes, withLastState }) => {
      const { tf } = engine;
      const { sequences, channels, states } = sizes;
      return tf.tidy(() => {
        const outputs: Tensor3D[] = [];
        const entering: Tensor2D[] = [];
        let state = tf.zeros([sequences, channels * states]) as Tensor2D;
        for (const segment of segmentsOf(sizes, segmentNumbers)) {
          entering.push(state);
          const [y, last] = tf.tidy(() => forwardSegment(engine, { tensors, sizes, segment, initial: state }));
          outputs.push(y);
          state = last;
        }
        if (withLastState) outputs.push(tf.transpose(tf.reshape(state, [sequences, channels, states]), [0, 2, 1]));
        return { y: tf.concat(outputs, 1), entering: tf.stack(entering, 1) as Tensor3D };
      });
    },
    backward: (engine, { tensors, entering, dy, sizes }) => {
      const { tf } = engine;
      const { sequences, length, channels, states } = sizes;
      const segments = segmentsOf(sizes, segmentNumbers);
      let dState: Tensor2D = tf.zeros([sequences, channels * states]);
      if (dy.shape[1] > length) {
        const last: Tensor3D = tf.slice(dy, [0, length, 0], [sequences, states, channels]);
        dState = tf.reshape(tf.transpose(last, [0, 2, 1]), [sequences, channels * states]);
      }
      const parts: SegmentGradients[] = [];
      segments.toReversed().forEach((segment, index) => {
        const at = segments.length - 1 - index;
        const initial = tf.reshape(tf.slice(entering, [0, at, 0], [sequences, 1, channels * states]), dState.shape);
        const { dInitial, ...gradients } = tf.tidy(() =>
          backwardSegment(engine, { tensors, sizes, segment, initial: initial as Tensor2D, dy, dState }),
        );
        parts.unshift(gradients);
        dState = dInitial;
      });
      const along = (name: 'u' | 'delta' | 'b' | 'c') =>
        tf.concat(
          parts.map((part) => part[name]),
          1,
        );
      const total = (name: 'deltaBias' | 'aLog' | 'd') => tf.addN(parts.map((part) => part[name]));
      return [along('u'), along('delta'), total('deltaBias'), total('aLog'), along('b'), along('c'), total('d')];
    },
  };
}

interface Segment {
  readonly first: number;
  readonly tokens: number;
}

interface SegmentScan {
  readonly tensors: ScanTensors;
  readonly sizes: ScanSizes;
  readonly segment: Segment;
  /** The states before the segment, [sequences, channels * states]. */
  readonly initial: Tensor2D;
}

type SegmentGradients = Record<'u' | 'delta' | 'deltaBias' | 'aLog' | 'b' | 'c' | 'd', Tensor>;

function segmentsOf({ sequences, length, channels, states }: ScanSizes, segmentNumbers: number): Segment[] {
  const tokens = Math.max(1, Math.floor(segmentNumbers / (sequences * channels * states)));
  return Array.from({ length: Math.ceil(length / tokens) }, (_, index) => ({
    first: index * tokens,
    tokens: Math.min(tokens, length - index * tokens),
  }));
}

/**
 * Everything of a segment that both ways need. Tensors that hold a number for each state are [sequences, tokens, groups,
 * channels of a group, states]; a 1 stands where they lack a dimension.
 */
function evaluateSegment(engine: Engine, { tensors, sizes, segment, initial }: SegmentScan) {
  const { tf } = engine;
  const [allU, allDelta, deltaBias, aLog, allB, allC, d] = tensors;
  const { sequences, channels, states, groups } = sizes;
  const { first, tokens } = segment;
  const cut = (x: Tensor3D): Tensor3D => tf.slice(x, [0, first, 0], [sequences, tokens, x.shape[2]]);
  const ofChannels = (x: Tensor): Tensor5D => tf.reshape(x, [sequences, tokens, groups, channels / groups, 1]);
  const ofStates = (x: Tensor): Tensor5D => tf.reshape(x, [sequences, tokens, groups, 1, states]);
  const rates: Tensor5D = tf.reshape(tf.neg(tf.exp(aLog)), [1, 1, groups, channels / groups, states]);
  const u = cut(allU);
  const steps = tf.add(cut(allDelta), deltaBias);
  const dt = softplus(engine, steps) as Tensor3D;
  const [b, c] = [ofStates(cut(allB)), ofStates(cut(allC))];
  const decays = tf.exp(tf.mul(ofChannels(dt), rates)) as Tensor5D;
  const flat = (x: Tensor): Tensor3D => tf.reshape(x, [sequences, tokens, channels * states]);
  const drive = ofChannels(tf.mul(dt, u));
  const h = linearRecurrence(engine, { a: flat(decays), x: flat(tf.mul(drive, b)), initial });
  return { u, steps, dt, b, c, d, rates, decays, drive, h, flat, ofChannels };
}

function forwardSegment(engine: Engine, scan: SegmentScan): [Tensor3D, Tensor2D] {
  const { tf } = engine;
  const { sequences, channels, states } = scan.sizes;
  const { u, c, d, decays, h } = evaluateSegment(engine, scan);
  const read = tf.sum(tf.mul(tf.reshape(h, decays.shape), c), 4);
  const y: Tensor3D = tf.add(tf.reshape(read, u.shape), tf.mul(u, d));
  const last = tf.slice(h, [0, scan.segment.tokens - 1, 0], [sequences, 1, channels * states]);
  return [y, tf.reshape(last, [sequences, channels * states])];
}

function backwardSegment(
  engine: Engine,
  { dy: allDy, dState, ...scan }: SegmentScan & { readonly dy: Tensor3D; readonly dState: Tensor2D },
): SegmentGradients & { readonly dInitial: Tensor2D } {
  const { tf } = engine;
  const { sequences, channels, states } = scan.sizes;
  const { first, tokens } = scan.segment;
  const { u, steps, dt, b, c, d, rates, decays, drive, h, flat, ofChannels } = evaluateSegment(engine, scan);
  const dy: Tensor3D = tf.slice(allDy, [0, first, 0], [sequences, tokens, channels]);
  const dOut = ofChannels(dy);
  const a = flat(decays);
  const width = channels * states;
  // A state's gradient is its output's, plus the next state's times that one's decay; the segment's last state meets its
  // successor's share as it is.
  const nextDecays = joined(engine, [tf.slice(a, [0, 1, 0]), tf.ones([sequences, 1, width])]);
  const dh = linearRecurrence(engine, { a: nextDecays, x: flat(tf.mul(dOut, c)), initial: dState }, { fromEnd: true });
  const carried = tf.mul(dh, a);
  const earlier: Tensor3D = tf.slice(h, [0, 0, 0], [sequences, tokens - 1, width]);
  const before = joined(engine, [tf.reshape(scan.initial, [sequences, 1, width]) as Tensor3D, earlier]);
  const whole = (x: Tensor): Tensor5D => tf.reshape(x, decays.shape);
  const dStates = whole(dh);
  const dExponent = whole(tf.mul(carried, before));
  const overStates = (x: Tensor): Tensor3D => tf.reshape(tf.sum(x, 4), u.shape);
  const overChannels = (x: Tensor): Tensor => tf.reshape(tf.sum(x, 3), [sequences, tokens, -1]);
  const dDrive = overStates(tf.mul(dStates, b));
  const dStep = tf.add(overStates(tf.mul(dExponent, rates)), tf.mul(dDrive, u));
  const dDelta = tf.mul(dStep, tf.sigmoid(steps));
  const dRates = tf.sum(tf.mul(dExponent, ofChannels(dt)), [0, 1]);
  return {
    u: tf.add(tf.mul(dDrive, dt), tf.mul(dy, d)),
    delta: dDelta,
    deltaBias: tf.sum(dDelta, [0, 1]),
    // The rate is -exp(aLog), so it is its own slope.
    aLog: tf.reshape(tf.mul(dRates, tf.reshape(rates, dRates.shape)), [channels, states]),
    b: overChannels(tf.mul(dStates, drive)),
    c: overChannels(tf.mul(whole(h), dOut)),
    d: tf.sum(tf.mul(dy, u), [0, 1]),
    dInitial: tf.reshape(tf.slice(carried, [0, 0, 0], [sequences, 1, width]), dState.shape) as Tensor2D,
  };
}

/** Along the sequence, without a part that has no tokens: not every engine has tensors without numbers. */
function joined({ tf }: Engine, parts: readonly Tensor3D[]): Tensor3D {
  return tf.concat(
    parts.filter(({ size }) => size > 0),
    1,
  );
}
