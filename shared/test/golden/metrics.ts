import { multiClassAuc, multiLabelAuc } from '../../learning/evaluation/auc-per-class.ts';
import { averagePrecision } from '../../learning/evaluation/average-precision.ts';
import { classificationReport } from '../../learning/evaluation/classification-report.ts';
import { diceScores } from '../../learning/evaluation/dice-score.ts';
import { fitLogisticRegression, logits } from '../../learning/evaluation/logistic-regression.ts';
import { rocAuc } from '../../learning/evaluation/roc-auc.ts';
import { closestToPerfect, rocCurve } from '../../learning/evaluation/roc-curve.ts';
import { classProbabilities, fitSoftmaxRegression } from '../../learning/evaluation/softmax-regression.ts';
import { zeroShotProbabilities } from '../../learning/evaluation/zero-shot.ts';
import type { GoldenContext, GoldenPrograms, GoldenTensor } from './program.ts';

const shaped = (values: ArrayLike<number>, shape: readonly number[]): GoldenTensor => ({
  shape,
  data: Float32Array.from(values),
});

export const metrics: GoldenPrograms = {
  met_roc_auc: ({ numbers }) => {
    const [scores, labels] = [numbers('input.y_score'), numbers('input.y_true')];
    const curve = rocCurve(scores, labels);
    const best = closestToPerfect(curve);
    return {
      auc: rocAuc(scores, labels),
      fpr: curve.falsePositiveRates,
      tpr: curve.truePositiveRates,
      thresholds: curve.thresholds,
      best_threshold: best.threshold,
      best_fpr: best.falsePositiveRate,
      best_tpr: best.truePositiveRate,
    };
  },
  met_auc_macro_multiclass: ({ numbers, shape }) => {
    const classes = shape('input.y_score')[1]!;
    const auc = multiClassAuc(numbers('input.y_score'), numbers('input.y_true'), { classes });
    return { auc_per_class: auc.perClass, auc_macro: auc.macro, auc_weighted: auc.weighted };
  },
  met_auc_macro_multilabel: ({ numbers, shape }) => {
    const labels = shape('input.y_score')[1]!;
    const result = multiLabelAuc(numbers('input.y_score'), numbers('input.y_true'), { labels });
    return {
      auc_per_label: result.aucPerLabel,
      auc_macro: result.aucMacro,
      auc_micro: result.aucMicro,
      ap_per_label: result.averagePrecisionPerLabel,
      ap_macro: result.meanAveragePrecision,
    };
  },
  met_average_precision: ({ numbers }) => ({
    average_precision: averagePrecision(numbers('input.y_score'), numbers('input.y_true')),
  }),
  met_classification: ({ config, numbers }) => {
    const classes = config['classes'] as number;
    const all = classificationReport(numbers('input.y_true'), numbers('input.y_pred'), { classes });
    const binary = classificationReport(numbers('input.y_true_binary'), numbers('input.y_pred_binary'), { classes: 2 });
    return {
      accuracy: all.accuracy,
      balanced_accuracy: all.balancedAccuracy,
      confusion: { shape: [classes, classes], data: all.confusion },
      precision_per_class: all.precisionPerClass,
      recall_per_class: all.recallPerClass,
      f1_per_class: all.f1PerClass,
      f1_macro: all.f1Macro,
      f1_weighted: all.f1Weighted,
      binary_balanced_accuracy: binary.balancedAccuracy,
      binary_f1: binary.f1PerClass[1]!,
      binary_precision: binary.precisionPerClass[1]!,
      binary_recall: binary.recallPerClass[1]!,
      binary_specificity: binary.recallPerClass[0]!,
    };
  },
  met_dice_score: ({ config, numbers, shape }) => {
    const threshold = config['threshold'] as number;
    const masks = shape('input.target')[0]!;
    const scores = diceScores(numbers('input.probability'), numbers('input.target'), { masks, threshold });
    return { dice: scores.dice, iou: scores.iou, dice_mean: scores.diceMean, dice_pooled: scores.dicePooled };
  },
  met_zero_shot: ({ config, numbers, shape }) => {
    const images = numbers('input.image_emb') as Float32Array;
    const prompts = {
      positive: numbers('input.positive_text') as Float32Array,
      negative: numbers('input.negative_text') as Float32Array,
    };
    const [count, width] = shape('input.image_emb') as [number, number];
    const probabilities = (...[options]: [{ similarity: 'cosine' | 'dot-product'; temperature?: number }]) =>
      shaped(zeroShotProbabilities(images, prompts, { width, ...options }), [count, shape('input.positive_text')[0]!]);
    return {
      fvlm: probabilities({ similarity: 'cosine', temperature: config['temp'] as number }),
      maco: probabilities({ similarity: 'dot-product' }),
    };
  },
  met_linear_probe: (context) => (context.config['classes'] === 2 ? binaryProbe(context) : multiClassProbe(context)),
};

function binaryProbe({ config, numbers, shape }: GoldenContext) {
  const c = config['C'] as number;
  const features = numbers('input.X') as Float32Array;
  const labels = numbers('input.y');
  const model = fitLogisticRegression(features, labels, { inverseRegularisation: c });
  const margins = logits(model, features);
  const penalty = model.weights.reduce((sum, weight) => sum + weight ** 2, 0) / 2;
  const losses = margins.map((margin, row) => Math.log1p(Math.exp(labels[row] === 1 ? -margin : margin)));
  const probabilities = [...logits(model, numbers('input.X_test') as Float32Array)].flatMap((margin) => {
    const positive = 1 / (1 + Math.exp(-margin));
    return [1 - positive, positive];
  });
  return {
    coef: shaped(model.weights, [1, model.weights.length]),
    intercept: [model.intercept],
    objective: penalty + c * losses.reduce((sum, loss) => sum + loss, 0),
    proba_test: shaped(probabilities, [shape('input.X_test')[0]!, 2]),
  };
}

function multiClassProbe({ config, numbers, shape }: GoldenContext) {
  const c = config['C'] as number;
  const classes = config['classes'] as number;
  const features = numbers('input.X') as Float32Array;
  const labels = numbers('input.y');
  const model = fitSoftmaxRegression(features, labels, { classes, inverseRegularisation: c });
  const fitted = classProbabilities(model, features);
  const penalty = model.weights.reduce((sum, weight) => sum + weight ** 2, 0) / 2;
  const losses = Array.from(labels, (label, row) => -Math.log(fitted[row * classes + label]!));
  return {
    coef: shaped(model.weights, [classes, shape('input.X')[1]!]),
    intercept: model.intercepts,
    objective: penalty + c * losses.reduce((sum, loss) => sum + loss, 0),
    proba_test: shaped(classProbabilities(model, numbers('input.X_test') as Float32Array), [
      shape('input.X_test')[0]!,
      classes,
    ]),
  };
}
