import { createLayout, type ParameterLayout } from '../layout.ts';
import { mocoHeadsLayout } from './moco-heads.ts';

/**
 * The tensors of lesion-enhanced pretraining: encoder, projector, predictor. The keys' encoder has the first two, so its
 * vector is the beginning of this one.
 */
export function lesionPretrainingLayout(options: {
  readonly encoder: ParameterLayout;
  readonly encoderWidth: number;
  readonly hiddenWidth: number;
  readonly embeddingWidth: number;
  readonly group: string;
}): { readonly queries: ParameterLayout; readonly keys: ParameterLayout } {
  const heads = mocoHeadsLayout(options).tensors;
  const projector = heads.filter(({ name }) => !name.startsWith('predictor.'));
  const predictor = heads.filter(({ name }) => name.startsWith('predictor.'));
  const keys = [...options.encoder.tensors, ...projector];
  return { queries: createLayout([...keys, ...predictor]), keys: createLayout(keys) };
}
