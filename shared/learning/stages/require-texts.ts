import type { EncodedTexts } from '../text/encode-texts.ts';
import { requireShape } from './require-shape.ts';

/**
 * Refuses encoded texts of which there are not `count`, or that do not fit the text encoder.
 *
 * @throws {TypeError} when arrays or the number of texts do not fit.
 * @throws {RangeError} when the texts are longer than the encoder reads, or a word is not in its vocabulary.
 */
export function requireTexts(
  texts: EncodedTexts,
  {
    count,
    maximumTokens,
    vocabulary,
  }: { readonly count: number; readonly maximumTokens: number; readonly vocabulary: number },
): void {
  if (texts.count !== count) {
    throw new TypeError(`Cannot use the batch: texts must be ${count}, found ${texts.count}`);
  }
  if (texts.length > maximumTokens) {
    throw new RangeError(
      `Cannot use the batch: texts must have at most ${maximumTokens} tokens, found ${texts.length}`,
    );
  }
  for (const name of ['ids', 'attentionMask', 'tokenTypeIds'] as const) {
    requireShape(`texts.${name}`, texts[name], [texts.count, texts.length]);
  }
  if (texts.ids.some((id) => id < 0 || id >= vocabulary)) {
    throw new RangeError(`Cannot use the batch: texts.ids must be from 0 to ${vocabulary - 1}, found one that is not`);
  }
}
