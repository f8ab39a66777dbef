/**
 * The coordinator's work on models: starting weights, checking sealed updates, adding them.
 *
 * - Of a single update no more than pieces are in memory, only while it is checked or added, and never on disk other than
 *   sealed.
 * - What is written is the weights after the sum of all accepted updates, and the server optimiser's memory.
 *
 * Everything here may take seconds; aggregation-thread.ts keeps it off the event loop. Memory grows neither with the model
 * nor with the number of sites, but for robust rules, which hold the mean and the weights whole.
 */

import type { StageState } from '@wardround/protocols/round/state.ts';
import { canaryWords } from '@wardround/protocols/secure-aggregation/canary.ts';
import type { MaskInstruction } from '@wardround/protocols/secure-aggregation/mask-instructions.ts';
import { cohortRule, type Stage, type StudyPlan } from '@wardround/protocols/study/plan.ts';
import {
  codeTerms,
  initialStagePieces,
  initialStageWeights,
  stageLayout,
} from '@wardround/protocols/study/stage-layout.ts';
import { updateContext } from '@wardround/protocols/transfer/envelope-contexts.ts';
import { type UpdateCode, updateVectorLength } from '@wardround/protocols/transfer/update-code.ts';
import type { RobustRule } from '@wardround/shared/aggregation/robust/robust-rule.ts';
import { serverStep } from '@wardround/shared/aggregation/server-optimiser.ts';
import { largestSum } from '@wardround/shared/bytes/code-words.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { float32FromBytes, littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import { layoutHash, type ParameterLayout } from '@wardround/shared/tensors/layout.ts';
import { createInTurn } from '../rounds/in-turn.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import type { UploadStore } from '../storage/upload-store.ts';
import { createUpdateAdder } from './add-updates.ts';
import { BROKEN } from './pieces/inspect-vector.ts';
import { PIECE_BYTES } from './pieces/move-piece.ts';
import { openPieceThreads, type PieceThreads, runHere } from './pieces/piece-threads.ts';
import { sumWords, VectorBrokenError } from './pieces/sum-words.ts';
import { type RobustAggregate, robustAggregate } from './robust-aggregate.ts';
import { type OpenVector, openStagedVector, troubleWith } from './staged-vector.ts';

/** Codes and sample counts of a sum are chosen so that neither can exceed this. */
export const LARGEST_SUM = largestSum(32);

/** Kept between rounds: they start with the first vector that is worth it. */
const pieceThreads = openPieceThreads();
/** Numbers of starting weights that are in memory at a time. */
const INITIAL_PIECE = 1 << 18;

export interface ModelWork {
  /** Makes the stage's starting weights and publishes them. */
  prepareStage(request: StageRequest): Promise<PreparedStage>;
  /** Opens and checks one update: null when it can be added, else the reason. */
  inspectUpdate(request: InspectionRequest): Promise<string | null>;
  /** Opens a masked vector and checks what can be checked of it: null when it can be added, else the reason. */
  inspectMasked(request: MaskedInspectionRequest): Promise<string | null>;
  /** Adds a round's updates to its weights and publishes the result. */
  aggregate(request: AggregationRequest): Promise<AggregationResult>;
}

export interface StageRequest {
  readonly plan: StudyPlan;
  /** Index in the plan's stages. */
  readonly stage: number;
}

export interface PreparedStage {
  readonly layout: Sha256Hex;
  readonly model: Sha256Hex;
}

interface RoundRequest extends StageRequest {
  readonly study: Sha256Hex;
  readonly round: number;
  /** The weights the round started from. */
  readonly startModel: Sha256Hex;
  /** How many sites were invited to the round. */
  readonly sites: number;
}

interface UpdateReference {
  readonly site: string;
  readonly blob: Sha256Hex;
}

export interface InspectionRequest extends RoundRequest, UpdateReference {}

export interface MaskedInspectionRequest extends InspectionRequest {
  /** How many 32-bit numbers it must have. */
  readonly words: number;
  /** SHA-256 of its bytes, as its site has signed it. */
  readonly maskedInput: Sha256Hex;
}

interface CohortReference {
  /** Its place among the round's cohorts. */
  readonly cohort: number;
  readonly members: readonly string[];
  readonly instructions: readonly MaskInstruction[];
}

export interface AggregationRequest extends RoundRequest {
  /** With secure aggregation: what takes the masks out of the sum. */
  readonly instructions?: readonly MaskInstruction[];
  readonly updates: readonly UpdateReference[];
  /** With cohorts, in place of `instructions`: the sites of each and what takes the masks out of its sum. */
  readonly cohorts?: readonly CohortReference[];
  readonly optimiserState: StageState['optimiserState'];
}

export type AggregationResult =
  | {
      readonly kind: 'aggregated';
      readonly model: Sha256Hex;
      readonly optimiserState: Sha256Hex | null;
      /** L2 norm of the weights' change. */
      readonly updateNorm: number;
      /** With secure aggregation: the sum itself, so that every site can compute the model from it. */
      readonly sum?: Sha256Hex;
      /** With cohorts: the same of each; `sum` is the first. */
      readonly cohortSums?: readonly Sha256Hex[];
    }
  /** The sum of masked vectors is none that their sites could have made; nothing was published. */
  | { readonly kind: 'sum-wrong'; readonly reason: string }
  /** The same of one cohort, or one of its vectors cannot be read any more. */
  | { readonly kind: 'cohort-wrong'; readonly cohort: number; readonly reason: string; readonly suspect: string | null }
  /** This update cannot be read any more; nothing was added. */
  | { readonly kind: 'unusable'; readonly site: string; readonly reason: string };

/** The models that plans describe. */
export interface StageModels {
  layout(plan: StudyPlan, stage: Stage): ParameterLayout;
  initialWeights(plan: StudyPlan, stage: Stage): Float32Array;
  /** The same, so many numbers at a time, for models that should not be in memory as a whole. */
  initialPieces?(plan: StudyPlan, stage: Stage, length: number): Iterable<Float32Array>;
  /** The URL of a module that exports the same as `models`: with it they are worked on in the aggregation thread. */
  readonly module?: string;
}

export const plannedModels: StageModels = {
  layout: stageLayout,
  initialWeights: initialStageWeights,
  initialPieces: initialStagePieces,
};

export function createModelWork(parts: {
  readonly identity: Pick<Identity, 'sealingSecret'>;
  readonly published: BlobStore;
  readonly optimiserStates: BlobStore;
  readonly uploads: UploadStore;
  readonly models?: StageModels;
  readonly threads?: PieceThreads;
}): ModelWork {
  const { identity, published, optimiserStates, uploads, models = plannedModels, threads = pieceThreads } = parts;
  const adder = createUpdateAdder({ published, optimiserStates, threads });
  // What is large is done one after the other, so that memory is needed once.
  const inTurn = createInTurn();

  const contextOf = (request: RoundRequest, site: string): string => {
    const { study, round, startModel } = request;
    return updateContext({ study, stage: stageOf(request).name, round, site, model: startModel });
  };

  const openVector = async (request: RoundRequest, { site, blob }: UpdateReference) =>
    openStagedVector(await uploads.of(site), { blob, identity, context: contextOf(request, site) });

  /** Looks at one upload in a thread. */
  const inspect = async (
    request: InspectionRequest,
    look: (opened: OpenVector, run: PieceThreads['run']) => Promise<string | null>,
  ): Promise<string | null> => {
    const opened = await openVector(request, request);
    if (typeof opened === 'string') return opened;
    await using _ = opened;
    const isSmall = opened.vector.body.plaintextBytes <= PIECE_BYTES;
    const found = await look(opened, isSmall ? runHere : threads.run);
    return found === BROKEN ? troubleWith(opened.file, request.blob) : found;
  };

  const codeOf = (request: RoundRequest): UpdateCode => ({
    layout: models.layout(request.plan, stageOf(request)),
    ...codeTerms(request.plan, request.sites),
  });

  /** Takes the server's step with a mean that no sum gives, and publishes the result. */
  const moveModel = async (
    request: AggregationRequest,
    { code, meanDelta, sampleCounts }: RobustAggregate & { readonly code: UpdateCode },
  ): Promise<Extract<AggregationResult, { kind: 'aggregated' }>> => {
    const { startModel, optimiserState } = request;
    const before = float32FromBytes(await published.read(startModel));
    const result = serverStep(stageOf(request).server, {
      weights: before,
      meanDelta,
      state: optimiserState === null ? null : float32FromBytes(await optimiserStates.read(optimiserState)),
      trained: code.layout.tensors.filter(({ group }) => (sampleCounts[code.layout.groups.indexOf(group)] ?? 0) > 0),
    });
    return {
      kind: 'aggregated',
      updateNorm: distanceOf(before, result.weights),
      model: await published.put(littleEndianBytes(result.weights)),
      optimiserState: result.state && (await optimiserStates.put(littleEndianBytes(result.state))),
    };
  };

  /** @throws {UnusableUpdateError} for one that is not what was accepted. */
  const openAll = async (request: AggregationRequest, opened: AsyncDisposableStack): Promise<OpenVector[]> => {
    const { layout, codeBits = 32 } = codeOf(request);
    const isMasked = request.instructions !== undefined || request.cohorts !== undefined;
    const canary = isMasked ? canaryWords(codeBits) : 0;
    const bytes = ((updateVectorLength(layout, codeBits) + canary) * codeBits) / 8;
    const files: OpenVector[] = [];
    for (const update of request.updates) {
      const file = await openVector(request, update);
      if (typeof file === 'string') throw new UnusableUpdateError(update.site, file);
      files.push(opened.use(file));
      if (file.vector.body.plaintextBytes === bytes) continue;
      throw new UnusableUpdateError(update.site, troubleWith(file.file, update.blob));
    }
    return files;
  };

  const brokenUpdate = ({ updates }: AggregationRequest, files: readonly OpenVector[], index: number) => {
    const { site, blob } = updates[index]!;
    return new UnusableUpdateError(site, troubleWith(files[index]!.file, blob));
  };

  const aggregateRobustly = async (
    request: AggregationRequest,
    { rule: kind, faulty }: RobustSetting,
  ): Promise<AggregationResult> => {
    const code = codeOf(request);
    await using opened = new AsyncDisposableStack();
    const files = await openAll(request, opened);
    const aggregate = await robustAggregate([...files.keys()], {
      code,
      rule: { kind, faulty },
      read(index, range) {
        try {
          sumWords([files[index]!.vector], range);
        } catch (error) {
          throw error instanceof VectorBrokenError ? brokenUpdate(request, files, index) : error;
        }
      },
    });
    return await moveModel(request, { code, ...aggregate });
  };

  const addAll = async (request: AggregationRequest): Promise<AggregationResult> => {
    const code = codeOf(request);
    await using opened = new AsyncDisposableStack();
    const files = await openAll(request, opened);
    const { instructions = null, startModel, optimiserState } = request;
    const vectors = files.map(({ vector }) => vector);
    const { server } = stageOf(request);
    const result = await adder.add({ vectors, instructions, code, server, startModel, optimiserState });
    switch (result.kind) {
      case 'moved': {
        const { kind: _, sum, ...moved } = result;
        return { kind: 'aggregated', ...moved, ...(sum !== null && { sum }) };
      }
      case 'vector-broken':
        throw brokenUpdate(request, files, result.vector);
      case 'sum-wrong':
        return result;
      default:
        return result satisfies never;
    }
  };

  const addCohorts = async (
    request: AggregationRequest,
    { cohorts, rule }: { readonly cohorts: readonly CohortReference[]; readonly rule: RobustRule },
  ): Promise<AggregationResult> => {
    const code = codeOf(request);
    await using opened = new AsyncDisposableStack();
    const groups = [];
    for (const own of cohorts) {
      const updates = request.updates.filter(({ site }) => own.members.includes(site));
      try {
        groups.push({ ...own, updates, files: await openAll({ ...request, updates }, opened) });
      } catch (error) {
        if (!(error instanceof UnusableUpdateError)) throw error;
        return { kind: 'cohort-wrong', cohort: own.cohort, reason: error.reason, suspect: error.site };
      }
    }
    const { startModel, optimiserState } = request;
    const result = await adder.addCohorts({
      cohorts: groups.map(({ files, instructions }) => ({ vectors: files.map(({ vector }) => vector), instructions })),
      ...{ code, rule, server: stageOf(request).server, startModel, optimiserState },
    });
    if (result.kind === 'moved') {
      const { kind: _, sums, ...moved } = result;
      return { kind: 'aggregated', ...moved, sum: sums[0]!, cohortSums: sums };
    }
    const { cohort, updates, files } = groups[result.cohort]!;
    if (result.kind === 'sum-wrong') return { kind: 'cohort-wrong', cohort, reason: result.reason, suspect: null };
    const { site, reason } = brokenUpdate({ ...request, updates }, files, result.vector);
    return { kind: 'cohort-wrong', cohort, reason, suspect: site };
  };

  return {
    prepareStage: (request) =>
      inTurn(async () => {
        const { plan } = request;
        const stage = stageOf(request);
        await using model = await published.draft();
        const pieces = models.initialPieces?.(plan, stage, INITIAL_PIECE) ?? [models.initialWeights(plan, stage)];
        for (const piece of pieces) await model.append(littleEndianBytes(piece));
        return { layout: layoutHash(models.layout(plan, stage)), model: await model.publish() };
      }),

    inspectUpdate: (request) =>
      inspect(request, ({ vector }, run) => run('inspectUpdateVector', { vector, code: codeOf(request) })),

    inspectMasked: (request) =>
      inspect(request, async ({ vector }, run) => {
        const { codeBits = 32 } = codeOf(request);
        if (8 * vector.body.plaintextBytes !== codeBits * request.words) return 'update-wrong-length';
        const hash = await run('hashMaskedVector', { vector });
        return hash === request.maskedInput ? null : hash === BROKEN ? BROKEN : 'masked-input-changed';
      }),

    aggregate: (request) =>
      inTurn(async () => {
        const { robust } = request.plan.protection;
        const rule = cohortRule(request.plan);
        try {
          if (rule !== null) return await addCohorts(request, { cohorts: request.cohorts ?? [], rule });
          return await (robust === undefined ? addAll(request) : aggregateRobustly(request, robust));
        } catch (error) {
          if (error instanceof UnusableUpdateError) return { kind: 'unusable', site: error.site, reason: error.reason };
          throw error;
        }
      }),
  };
}

type RobustSetting = NonNullable<StudyPlan['protection']['robust']>;

/** An update that was accepted cannot be read any more. */
class UnusableUpdateError extends Error {
  override readonly name = 'UnusableUpdateError';
  readonly site: string;
  readonly reason: string;

  constructor(site: string, reason: string) {
    super(`Cannot add an update: ${reason}`);
    this.site = site;
    this.reason = reason;
  }
}

function distanceOf(before: Float32Array, after: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < before.length; i++) squares += (after[i]! - before[i]!) ** 2;
  return Math.sqrt(squares);
}

function stageOf({ plan, stage }: StageRequest): Stage {
  const found = plan.stages[stage];
  if (found === undefined) throw new RangeError(`Cannot find stage ${stage} in a plan of ${plan.stages.length} stages`);
  return found;
}
