import { decay, softplus } from './decay.ts';
import { decayRates, type ScanArrays, segmentLength } from './selective-scan-arrays.ts';
import type { ScanSizes } from './selective-scan-method.ts';

/**
 * Writes y [sequences, rows, channels] and the states that enter each segment, `entering` [sequences, segments, channels *
 * states]. Where y has more rows than tokens, they get the last state, [states, channels]. Token by token, all channels of a
 * token together, so that memory is read in order; the states are float64.
 */
export function scanForward(
  { u, delta, deltaBias, aLog, b, c, d }: ScanArrays,
  {
    y,
    entering,
    sizes,
    rows,
  }: { readonly y: Float32Array; readonly entering: Float32Array; readonly sizes: ScanSizes; readonly rows: number },
): void {
  const { sequences, length, channels, states, groups } = sizes;
  const rates = decayRates(aLog);
  const h = new Float64Array(channels * states);
  const groupWidth = channels / groups;
  const segment = segmentLength(sizes);
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
