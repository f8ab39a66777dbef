import { decay, softplus, softplusSlope } from './decay.ts';
import { decayRates, type ScanArrays, segmentLength } from './selective-scan-arrays.ts';
import type { ScanSizes } from './selective-scan-method.ts';

/**
 * Overwrites all gradients from that of y, dy [sequences, rows, channels], segment by segment from the last: a segment's
 * states are computed again from the one that enters it, then its tokens are visited backwards.
 */
export function scanBackward(
  { u, delta, deltaBias, aLog, b, c, d }: ScanArrays,
  {
    entering,
    dy,
    gradients,
    sizes,
    rows,
  }: {
    readonly entering: Float32Array;
    readonly dy: Float32Array;
    readonly gradients: ScanArrays;
    readonly sizes: ScanSizes;
    readonly rows: number;
  },
): void {
  const { sequences, length, channels, states, groups } = sizes;
  const width = channels * states;
  const rates = decayRates(aLog);
  const groupWidth = channels / groups;
  const segment = segmentLength(sizes);
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
