/**
 * The weights of a first convolution [outputs, 3, height, width], trained on colour images, for images of another number
 * of channels, as timm adapts them (`adapt_input_conv`): for one channel the sum over the three, so that a grey image
 * excites it as it did in colour; otherwise the three in turn, scaled by three over their number.
 *
 * @throws {TypeError} when the weights are not of three channels.
 */
export function adaptInputChannels(
  weights: Float32Array,
  { shape, channels }: { readonly shape: readonly number[]; readonly channels: number },
): Float32Array {
  const [outputs, inputs, height, width] = shape as [number, number, number, number];
  if (shape.length !== 4 || inputs !== 3 || weights.length !== outputs * inputs * height * width) {
    throw new TypeError(
      `Cannot adapt a convolution to ${channels} channels: weights of three channels are needed, found [${shape.join(', ')}]`,
    );
  }
  const kernel = height * width;
  const adapted = new Float32Array(outputs * channels * kernel);
  for (let output = 0; output < outputs; output += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      const to = (output * channels + channel) * kernel;
      for (let pixel = 0; pixel < kernel; pixel += 1) {
        const of = (input: number) => weights[(output * 3 + input) * kernel + pixel]!;
        adapted[to + pixel] = channels === 1 ? of(0) + of(1) + of(2) : (of(channel % 3) * 3) / channels;
      }
    }
  }
  return adapted;
}
