import { describe, expect, test } from 'vitest';
import { BERT_SMALL } from './bert.ts';
import { MACO_DECODER } from './masked-autoencoder.ts';
import { type ReportPretrainingSizes, reportPretrainingLayout } from './report-pretraining.ts';
import { vitSizes } from './vit.ts';

describe('reportPretrainingLayout()', () => {
  const published: ReportPretrainingSizes = {
    encoder: vitSizes('vit_base_patch16'),
    decoder: MACO_DECODER,
    imageSizePixels: 224,
    inputChannels: 3,
    predictionScale: 2,
    text: BERT_SMALL,
  };
  const layout = reportPretrainingLayout(published);
  const shapeOf = (name: string) => layout.tensors.find((tensor) => tensor.name === name)?.shape;

  test('joins MaCo’s image branch and its text encoder under its names', () => {
    expect(layout.groups).toEqual(['image', 'report']);
    expect(shapeOf('pos_weight_img.weight')).toEqual([1, 196]);
    expect(shapeOf('decoder_pred.weight')).toEqual([3 * 32 ** 2, 768]);
    expect(shapeOf('Tpar')).toEqual([]);
    expect(shapeOf('bert_encoder.model.embeddings.word_embeddings.weight')).toEqual([30_000, 384]);
    expect(shapeOf('bert_encoder.model.pooler.dense.weight')).toEqual([384, 384]);
    expect(layout.tensors.at(-1)!.name).toBe('bert_encoder.model.pooler.dense.bias');
  });

  test('maps images to the width of texts', () => {
    expect(shapeOf('img_mlp.weight')).toEqual([384, 768]);
  });

  test('refuses images that patches do not fill', () => {
    expect(() => reportPretrainingLayout({ ...published, imageSizePixels: 230 })).toThrow(
      'the image size must be a multiple of 16 pixels, found 230',
    );
  });
});
