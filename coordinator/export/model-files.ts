/**
 * The trained weights as safetensors files that PyTorch tools read. A stage's weights lie in the coordinator's store as one
 * flat vector; the plan says which number is which.
 */
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { float32FromBytes } from '@wardround/shared/bytes/little-endian.ts';
import type { PlacedTensor } from '@wardround/shared/tensors/layout.ts';
import { PIXEL_NORMALISATION, vitSizes } from '@wardround/shared/tensors/layouts/vit.ts';
import { type StreamedTensor, writeSafetensors } from '@wardround/shared/tensors/write-safetensors.ts';
import type { OpenBlob } from '../storage/blob-store.ts';
import type { StageRecord, StudyRecord } from './study-record.ts';

type Weights = Pick<OpenBlob, 'sizeBytes' | 'read'>;

/** How much of the weights is in memory at once. */
const pieceNumbers = 1 << 20;

/** The projection head serves the contrastive loss and is thrown away after it (SimCLR, section 2.1). */
const isEncoder = ({ name }: { readonly name: string }) => !name.startsWith('head.');

/**
 * The slice encoder under timm's names, without the projection head.
 *
 * @param weights the stage's weights, little-endian float32 in layout order; read when the file's pieces are asked for
 * @throws {RangeError} when the weights are not of this plan's size.
 */
export function sliceEncoderFile(record: StudyRecord, stage: StageRecord, weights: Weights): AsyncIterable<Uint8Array> {
  const tensors = stageTensors(record, stage, weights).filter(isEncoder);
  return writeSafetensors(tensors, {
    ...commonMetadata(record, stage),
    architecture: timmName(record),
    num_heads: String(vitSizes(record.plan.encoders.slice.architecture).heads),
    image_size: String(record.plan.imaging.sizePixels),
    in_chans: '1',
    num_classes: '0',
    global_pool: 'token',
    normalisation: normalisationText(record),
    mean: String(PIXEL_NORMALISATION.mean),
    std: String(PIXEL_NORMALISATION.deviation),
    window_hounsfield: windowText(record),
  });
}

/**
 * The travelling tensors of the alignment stage: attention pooling, and the shared parts of the clinical and expression
 * encoders. Their first layers know a hospital's own columns and never left it.
 *
 * @throws {RangeError} when the weights are not of this plan's size.
 */
export function alignmentFile(record: StudyRecord, stage: StageRecord, weights: Weights): AsyncIterable<Uint8Array> {
  const planned = record.plan.stages.find(({ kind }) => kind === 'alignment');
  const { slice, pooling, clinical, expression } = record.plan.encoders;
  return writeSafetensors(stageTensors(record, stage, weights), {
    ...commonMetadata(record, stage),
    architecture: 'gated-attention + mlp',
    slice_width: String(vitSizes(slice.architecture).width),
    pooling_width: String(pooling.width),
    attention_width: String(pooling.attentionWidth),
    embedding_width: planned?.kind === 'alignment' ? String(planned.embeddingWidth) : '',
    clinical_hidden_width: String(clinical.hiddenWidth),
    ...(record.plan.expression === undefined ? {} : { expression_hidden_width: String(expression.hiddenWidth) }),
  });
}

/** The name of the slice encoder in timm, whose `img_size` then overrules the size in it. */
export function timmName({ plan }: StudyRecord): string {
  return `${plan.encoders.slice.architecture}_224`;
}

/** What the encoder expects of its input, in words. */
export function normalisationText({ plan }: StudyRecord): string {
  const { low, high } = plan.imaging.windowHounsfield;
  return (
    `Hounsfield units clipped to ${low}..${high} and scaled to 0..1 (series without Hounsfield units: by their own range), ` +
    `then (x - ${PIXEL_NORMALISATION.mean}) / ${PIXEL_NORMALISATION.deviation}`
  );
}

function windowText({ plan }: StudyRecord): string {
  return `${plan.imaging.windowHounsfield.low},${plan.imaging.windowHounsfield.high}`;
}

function commonMetadata(record: StudyRecord, stage: StageRecord): Record<string, string> {
  const sites = new Set(stage.rounds.flatMap(({ participants }) => participants.map(({ site }) => site)));
  return {
    format: 'pt',
    study: record.plan.name,
    plan_hash: record.hash,
    stage: stage.name,
    rounds: String(stage.rounds.length),
    sites: [...sites].sort().join(','),
    weights_sha256: stage.final ?? '',
    protection: record.plan.protection.mode,
  };
}

/** The tensors of a stage, each read when its turn comes. */
function stageTensors({ plan }: StudyRecord, stage: StageRecord, weights: Weights): StreamedTensor[] {
  const planned = plan.stages.find(({ name }) => name === stage.name);
  if (planned === undefined)
    throw new RangeError(`Cannot export the stage "${stage.name}": the plan has no such stage`);
  const layout = stageLayout(plan, planned);
  if (weights.sizeBytes !== 4 * layout.size) {
    throw new RangeError(
      `Cannot export the stage "${stage.name}": its weights must be ${4 * layout.size} bytes, found ${weights.sizeBytes}`,
    );
  }
  return layout.tensors.map((tensor) => ({
    name: tensor.name,
    shape: tensor.shape,
    pieces: () => readNumbers(weights, tensor),
  }));
}

async function* readNumbers(
  weights: Weights,
  { offset, size }: Pick<PlacedTensor, 'offset' | 'size'>,
): AsyncGenerator<Float32Array> {
  for (let first = 0; first < size; first += pieceNumbers) {
    const numbers = Math.min(pieceNumbers, size - first);
    yield float32FromBytes(await weights.read({ position: 4 * (offset + first), bytes: 4 * numbers }));
  }
}
