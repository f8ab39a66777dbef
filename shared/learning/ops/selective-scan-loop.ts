/**
 * The selective scan as a JavaScript loop over the engine's memory, token by token, all channels of a token together, so
 * that memory is read in order. Sums are float64.
 *
 * Segments are the square root of the length, the least memory for states kept (one a segment) plus states computed
 * again (one segment's) on the way back (Chen et al. 2016, arXiv 1604.06174).
 */
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { decay, softplus, softplusSlope } from './decay.ts';
import { hostLoop } from './host-loop.ts';
import type { ScanGradients, ScanMethod, ScanSizes } from './selective-scan-method.ts';

export const scanByLoop: ScanMethod = {
  forward: (engine, { tensors, sizes, withLastState }) => {
    const { sequences, length, channels, states } = sizes;
    const rows = length + (withLastState ? states : 0);
    const segments = Math.ceil(length / segmentLength(length));
    const [y, entering] = hostLoop(engine, tensors, {
      shapes: [
        [sequences, rows, channels],
        [sequences, segments, channels * states],
      ],
      loop: (arrays, [output, kept]) => scanForward(inputs(arrays), { y: output!, entering: kept!, sizes, rows }),
    }) as [Tensor3D, Tensor3D];
    return { y, entering };
  },
  backward: (engine, { tensors, entering, dy, sizes }) =>
    hostLoop(engine, [...tensors, entering, dy], {
      shapes: tensors.map(({ shape }) => shape),
      loop: (arrays, gradients) =>
        scanBackward(inputs(arrays), {
          entering: arrays[7]!,
          dy: arrays[8]!,
          gradients: inputs(gradients),
          sizes,
          rows: dy.shape[1],
        }),
    }) as unknown as ScanGradients,
};

interface ScanArrays {
  readonly u: Float32Array;
  readonly delta: Float32Array;
  readonly deltaBias: Float32Array;
  readonly aLog: Float32Array;
  readonly b: Float32Array;
  readonly c: Float32Array;
  readonly d: Float32Array;
}

function inputs([u, delta, deltaBias, aLog, b, c, d]: readonly Float32Array[]): ScanArrays {
  return { u: u!, delta: delta!, deltaBias: deltaBias!, aLog: aLog!, b: b!, c: c!, d: d! };
}

function segmentLength(length: number): number {
  return Math.ceil(Math.sqrt(length));
}

function scanForward(
  { u, delta, deltaBias, aLog, b, c, d }: ScanArrays,
  {
    y,
    entering,
    sizes: { sequences, length, channels, states, groups },
    rows,
  }: { readonly y: Float32Array; readonly entering: Float32Array; readonly sizes: ScanSizes; readonly rows: number },
): void {
  const rates = Float64Array.from(aLog, (value) => -Math.exp(value));
  const h = new Float64Array(channels * states);
  const groupWidth = channels / groups;
  const segment = segmentLength(length);
  let keptSegments = 0;
  for (let sequence = 0; sequence < sequences; sequence += 1) {
    h.fill(0);
    for (let t = 0; t < length; t += 1) {
      if (t % segment === 0) {
        entering.set(h, keptSegments * h.length);
        keptSegments += 1;
      }
      const token = sequence * length + t;
      for (let channel = 0, shared = token * groups * states; channel < channels; shared += states) {
        for (const end = channel + groupWidth; channel < end; channel += 1) {
          const at = token * channels + channel;
          const input = u[at]!;
          const dt = softplus(delta[at]! + deltaBias[channel]!);
          const drive = dt * input;
          let sum = d[channel]! * input;
          for (let n = 0, state = channel * states; n < states; n += 1, state += 1) {
            const value = decay(dt * rates[state]!) * h[state]! + drive * b[shared + n]!;
            h[state] = value;
            sum += value * c[shared + n]!;
          }
          y[(sequence * rows + t) * channels + channel] = sum;
        }
      }
    }
    for (let n = 0; n < rows - length; n += 1) {
      for (let channel = 0; channel < channels; channel += 1) {
        y[(sequence * rows + length + n) * channels + channel] = h[channel * states + n]!;
      }
    }
  }
}

function scanBackward(
  { u, delta, deltaBias, aLog, b, c, d }: ScanArrays,
  {
    entering,
    dy,
    gradients,
    sizes: { sequences, length, channels, states, groups },
    rows,
  }: {
    readonly entering: Float32Array;
    readonly dy: Float32Array;
    readonly gradients: ScanArrays;
    readonly sizes: ScanSizes;
    readonly rows: number;
  },
): void {
  const width = channels * states;
  const rates = Float64Array.from(aLog, (value) => -Math.exp(value));
  const groupWidth = channels / groups;
  const segment = segmentLength(length);
  const segments = Math.ceil(length / segment);
  // One segment's states (the entering one first), decays and step sizes.
  const h = new Float64Array((segment + 1) * width);
  const decays = new Float64Array(segment * width);
  const steps = new Float64Array(segment * channels);
  const dh = new Float64Array(width);
  const dRates = new Float64Array(width);
  const dBias = new Float64Array(channels);
  const dSkip = new Float64Array(channels);
  const db = new Float64Array(groups * states);
  const dc = new Float64Array(groups * states);
  for (let sequence = 0; sequence < sequences; sequence += 1) {
    dh.fill(0);
    for (let n = 0; n < rows - length; n += 1) {
      for (let channel = 0; channel < channels; channel += 1) {
        dh[channel * states + n] = dy[(sequence * rows + length + n) * channels + channel]!;
      }
    }
    for (let part = segments - 1; part >= 0; part -= 1) {
      const first = part * segment;
      const end = Math.min(first + segment, length);
      const begin = (sequence * segments + part) * width;
      for (let state = 0; state < width; state += 1) h[state] = entering[begin + state]!;
      for (let t = first; t < end; t += 1) {
        const token = sequence * length + t;
        const here = (t - first) * width;
        for (let channel = 0, shared = token * groups * states; channel < channels; shared += states) {
          for (const last = channel + groupWidth; channel < last; channel += 1) {
            const at = token * channels + channel;
            const dt = softplus(delta[at]! + deltaBias[channel]!);
            const drive = dt * u[at]!;
            steps[(t - first) * channels + channel] = dt;
            for (let n = 0, state = channel * states; n < states; n += 1, state += 1) {
              const kept = decay(dt * rates[state]!);
              decays[here + state] = kept;
              h[here + width + state] = kept * h[here + state]! + drive * b[shared + n]!;
            }
          }
        }
      }
      for (let t = end - 1; t >= first; t -= 1) {
        const token = sequence * length + t;
        const here = (t - first) * width;
        db.fill(0);
        dc.fill(0);
        for (let channel = 0, group = 0; channel < channels; group += states) {
          const shared = token * groups * states + group;
          for (const last = channel + groupWidth; channel < last; channel += 1) {
            const at = token * channels + channel;
            const input = u[at]!;
            const dt = steps[(t - first) * channels + channel]!;
            const dOut = dy[(sequence * rows + t) * channels + channel]!;
            const drive = dt * input;
            let dDrive = 0;
            let dStep = 0;
            for (let n = 0, state = channel * states; n < states; n += 1, state += 1) {
              dc[group + n] = dc[group + n]! + dOut * h[here + width + state]!;
              const slope = dh[state]! + dOut * c[shared + n]!;
              db[group + n] = db[group + n]! + slope * drive;
              dDrive += slope * b[shared + n]!;
              const carried = slope * decays[here + state]!;
              dh[state] = carried;
              // The gradient of the exponent dt * rate.
              const dExponent = carried * h[here + state]!;
              dStep += dExponent * rates[state]!;
              dRates[state] = dRates[state]! + dExponent * dt;
            }
            const dDelta = (dStep + dDrive * input) * softplusSlope(delta[at]! + deltaBias[channel]!);
            gradients.u[at] = dDrive * dt + dOut * d[channel]!;
            gradients.delta[at] = dDelta;
            dBias[channel] = dBias[channel]! + dDelta;
            dSkip[channel] = dSkip[channel]! + dOut * input;
          }
        }
        gradients.b.set(db, token * groups * states);
        gradients.c.set(dc, token * groups * states);
      }
    }
  }
  gradients.deltaBias.set(dBias);
  gradients.d.set(dSkip);
  // The rate is -exp(aLog), so it is its own slope.
  for (let state = 0; state < width; state += 1) gradients.aLog[state] = dRates[state]! * rates[state]!;
}
