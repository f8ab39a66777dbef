import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { anatomyContrast, type Calibration } from '../../learning/objectives/anatomy-contrast.ts';
import { binaryCrossEntropy } from '../../learning/objectives/binary-cross-entropy.ts';
import { cosineLogits } from '../../learning/objectives/cosine-logits.ts';
import { diceLoss, diceLosses } from '../../learning/objectives/dice.ts';
import { infoNce } from '../../learning/objectives/info-nce.ts';
import { lecl } from '../../learning/objectives/lecl.ts';
import { macoContrast, macoLoss, sampleWeights } from '../../learning/objectives/maco.ts';
import { maskedReconstruction } from '../../learning/objectives/masked-reconstruction.ts';
import { ntXent } from '../../learning/objectives/nt-xent.ts';
import type { Temperature } from '../../learning/objectives/temperature.ts';
import { parameter } from '../../learning/parameters.ts';
import type { GoldenContext, GoldenProgram, GoldenPrograms } from './program.ts';

/** The settings name a fixed temperature; a learned one is a parameter, whose name tells its form. */
function temperatureOf({ config, parameters }: GoldenContext): Temperature {
  if (typeof config['temperature'] === 'number') return config['temperature'];
  if (parameters.has('logit_scale')) return { logitScale: parameter<Scalar>(parameters, 'logit_scale') };
  // The reference divides by what the parameter is; moving it into its bounds comes before.
  if (parameters.has('temp')) return { divisor: parameter<Scalar>(parameters, 'temp') };
  return { factor: parameter<Scalar>(parameters, 'Tpar') };
}

const contrastPairs: GoldenProgram = (context) => {
  const { engine, config, input, numbers } = context;
  const views = { a: input<Tensor2D>('a'), b: input<Tensor2D>('b') };
  const temperature = temperatureOf(context);
  if (!context.hasInput('patient_id')) {
    return { loss: infoNce(engine, views, { temperature }), logits: cosineLogits(engine, views, { temperature }) };
  }
  const otherRows = config['mode'] === 'masked' ? 'masked' : 'positive';
  return { loss: infoNce(engine, views, { temperature, patients: { ofRow: numbers('input.patient_id'), otherRows } }) };
};

const contrastLesions: GoldenProgram = ({ engine, config, input, numbers }) => {
  const options = {
    temperature: config['temperature'] as number,
    lesions: Array.from(numbers('input.lesion'), Boolean),
    logitWeight: (config['logit_weight'] as number | null) ?? 1,
    termWeight: (config['term_lambda'] as number | null) ?? 1,
  };
  const direction = (queries: string, keys: string) =>
    lecl(engine, { queries: input<Tensor2D>(queries), keys: input<Tensor2D>(keys) }, options);
  const [first, second] = [direction('q1', 'k2'), direction('q2', 'k1')];
  return { loss: engine.tf.add(first, second), loss_q1k2: first, loss_q2k1: second };
};

const maco: GoldenProgram = (context) => {
  const { engine, config, input, parameters } = context;
  const visible = input<Tensor2D>('visible');
  const weights = sampleWeights(engine, visible, parameters);
  const embeddings = { images: input<Tensor2D>('image_emb'), texts: input<Tensor2D>('text_emb') };
  const contrast = macoContrast(engine, embeddings, { temperature: temperatureOf(context), weights });
  const patches = { predicted: input<Tensor3D>('pred'), target: input<Tensor3D>('target') };
  const reconstruction = maskedReconstruction(engine, patches, { visible });
  const reconstructionShare = config['lam'] as number | null;
  return {
    loss: macoLoss(engine, { reconstruction, contrast }, { reconstructionShare }),
    loss_con: contrast,
    loss_rec: reconstruction,
    sample_weight: weights,
  };
};

const contrastAnatomies: GoldenProgram = (context) => {
  const { engine, config, input, numbers, shape } = context;
  const [samples, anatomies] = shape('input.image_emb') as [number, number, number];
  const embeddings = (prefix = '') => ({
    images: input<Tensor3D>(`${prefix}image_emb`),
    texts: input<Tensor3D>(`${prefix}text_emb`),
  });
  const { loss, lossOfAnatomy, active, targets } = anatomyContrast(engine, embeddings(), {
    temperature: temperatureOf(context),
    labels: {
      samples,
      anatomies,
      present: Array.from(numbers('input.present'), Boolean),
      normal: Array.from(numbers('input.normal'), Boolean),
      textIds: numbers('input.text_id'),
    },
    calibration: calibrationOf(context, { peer: () => embeddings('peer_'), share: config['alpha'] as number }),
  });
  return {
    loss,
    loss_per_organ: lossOfAnatomy,
    active: Int32Array.from(active, Number),
    targets_i2t: targets,
  };
};

function calibrationOf(
  { config, input, hasInput }: GoldenContext,
  { peer, share }: { peer: () => { images: Tensor3D; texts: Tensor3D }; share: number },
): Calibration | undefined {
  if (hasInput('peer_image_emb')) {
    return {
      peer: peer(),
      temperature: { divisor: input<Scalar>('peer_temp') },
      share,
    };
  }
  if (!hasInput('momentum_text_emb')) return undefined;
  return { momentumTexts: input('momentum_text_emb'), temperature: config['target_temp'] as number };
}

export const objectives: GoldenPrograms = {
  loss_ntxent: ({ engine, config, input }) => {
    const views = engine.tf.concat([input<Tensor2D>('z1'), input<Tensor2D>('z2')]);
    return { loss: ntXent(engine, views, { temperature: config['temperature'] as number }) };
  },
  loss_infonce: contrastPairs,
  loss_lecl: contrastLesions,
  loss_maco: maco,
  loss_fvlm: contrastAnatomies,
  loss_dice: ({ engine, name, config, input }) => {
    const over = name.includes('per_sample') ? 'sample' : 'batch';
    const settings = { masks: input<Tensor>('target'), smoothing: config['smooth'] as number, over } as const;
    const losses = diceLosses(engine, input<Tensor>('logits'), settings);
    const loss = diceLoss(engine, input<Tensor>('logits'), settings);
    return over === 'sample' ? { loss, loss_per_sample: engine.tf.reshape(losses, [-1]) } : { loss };
  },
  loss_bce: ({ engine, input }) => {
    const options = { targets: input<Tensor2D>('target'), positiveWeights: input<Tensor1D>('pos_weight') };
    return { loss: binaryCrossEntropy(engine, input<Tensor2D>('logits'), options) };
  },
};
