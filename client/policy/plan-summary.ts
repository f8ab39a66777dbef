/** A study plan in plain words, for the person who decides about it: what is read, what leaves the site, what stays. */
import { sessionParameters } from '@wardround/protocols/secure-aggregation/parameters.ts';
import {
  codeBitsOf,
  graceSeconds,
  maximumSkippedRounds,
  planHash,
  type Stage,
  type StudyPlan,
} from '@wardround/protocols/study/plan.ts';
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { policyFloors, projectedSpend, type StudyFacts } from './policy-floors.ts';
import { printable } from './printable.ts';
import { NO_POLICY, type SitePolicy } from './site-policy.ts';
import { studyEpsilon } from './study-epsilon.ts';

const MOST_NAMES_SHOWN = 12;

function several(count: number, noun: string): string {
  return `${count.toLocaleString('en-GB')} ${noun}${count === 1 ? '' : 's'}`;
}

function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES_SHOWN).map(printable).join(', ');
  return names.length > MOST_NAMES_SHOWN ? `${shown} and ${names.length - MOST_NAMES_SHOWN} more` : shown;
}

function duration(seconds: number): string {
  if (seconds < 120) return several(Math.round(seconds), 'second');
  if (seconds < 7200) return several(Math.round(seconds / 60), 'minute');
  return several(Math.round(seconds / 3600), 'hour');
}

function clinicalLine({ clinical }: StudyPlan): string {
  if (clinical.fields === 'auto') {
    return 'Clinical table: every column that is numeric or has few categories, except outcomes and the columns the plan leaves out.';
  }
  return `Clinical table: ${several(clinical.fields.length, 'field')} (${namesOf(clinical.fields.map(({ name }) => name))}).`;
}

function dataLines(plan: StudyPlan): string[] {
  const { imaging, expression, evaluation } = plan;
  const { low, high } = imaging.windowHounsfield;
  return [
    `CT: up to ${several(imaging.maximumSlicesPerPatient, 'slice')} a patient, window ${low} to ${high} HU, resized to ${imaging.sizePixels} by ${imaging.sizePixels} pixels.`,
    ...(plan.stages.some(({ kind }) => kind === 'alignment')
      ? [
          clinicalLine(plan),
          ...(expression === undefined
            ? []
            : [`Gene expression: ${several(expression.genes.length, 'gene')} (${namesOf(expression.genes)}).`]),
        ]
      : []),
    ...evaluation.tasks.map(
      ({ name, columns }) => `Labels, for evaluation only: ${name}, from the column ${namesOf(columns)}.`,
    ),
    `${Math.round(evaluation.heldOutFraction * 100)} % of the patients are kept out of training and used for evaluation only.`,
  ];
}

function trainingLines(plan: StudyPlan): string[] {
  return plan.stages.map((stage) => {
    const { size } = stageLayout(plan, stage);
    const steps = stage.maximumLocalSteps === undefined ? '' : `, at most ${several(stage.maximumLocalSteps, 'step')}`;
    const what = stage.kind === 'slice-pretraining' ? 'CT slices alone' : 'CT with clinical and expression data';
    return `${stage.name}: ${what}, ${several(stage.rounds, 'round')} of ${several(stage.localEpochs, 'local epoch')}${steps}; ${several(size, 'trained number')} travel each way.`;
  });
}

/** Which tensors of a stage travel, by part of the model. */
function tensorLine(plan: StudyPlan, stage: Stage): string {
  const { tensors, groups } = stageLayout(plan, stage);
  const parts = groups.map((group) => {
    const own = tensors.filter((tensor) => tensor.group === group);
    const numbers = own.reduce((sum, { size }) => sum + size, 0);
    return `${group} (${several(own.length, 'tensor')}, ${several(numbers, 'number')})`;
  });
  return `Of ${stage.name}: the change of ${parts.join(', ')}.`;
}

function leavingLines(plan: StudyPlan): string[] {
  const { evaluation, protection, stages } = plan;
  return [
    'Before training: how many patients, series and slices can be used, how many files or rows cannot and why, and the kind of compute engine.',
    `Each round: one update, which is the change of the trained numbers, each kept within plus or minus ${protection.clip}, with ${besideUpdate(protection)}.`,
    ...stages.map((stage) => tensorLine(plan, stage)),
    ...limitLines(protection),
    ...(codeBitsOf(plan) === 16
      ? ['Each number is sent in 16 bits; what that leaves out stays here and is added to the next update.']
      : []),
    isPrivate(protection)
      ? 'While working: what the site is doing and how far it is.'
      : 'While working: what the site is doing, how far it is, the current loss and speed.',
    `At the end: scores and counts of ${several(evaluation.tasks.length, 'task')}${stages.length > 1 ? ' and of matching modalities' : ''}, never on fewer than ${several(evaluation.minimumPatients, 'patient')}.`,
  ];
}

function isPrivate({ privacy, centralPrivacy }: StudyPlan['protection']): boolean {
  return privacy !== undefined || centralPrivacy !== undefined;
}

function besideUpdate(protection: StudyPlan['protection']): string {
  return isPrivate(protection)
    ? 'the same number of samples as every other site says; beside it the seconds, and no loss'
    : 'the number of samples behind it; beside it the mean loss, the steps and the seconds';
}

/** What the site does to an update before it leaves, where the plan asks for it. */
function limitLines({ updateNormLimit, centralPrivacy }: StudyPlan['protection']): string[] {
  if (updateNormLimit === undefined) return [];
  const { norm, zeroAboveMultiple } = updateNormLimit;
  return [
    `An update longer than ${norm} is scaled down to it, one longer than ${norm * zeroAboveMultiple} is sent as zeros; ${centralPrivacy === undefined ? 'which of this was done is said beside it' : 'which of this was done is not told'}.`,
  ];
}

function gateLines({ gate }: StudyPlan['protection']): string[] {
  if (gate === undefined) return [];
  return [
    `A round whose result changes the model more than ${gate.normMultiple} times as much as usual, or after which the loss rises by ${Math.round(100 * gate.lossRise)} percent at more than half of the sites, is undone; after ${gate.maximumRollbacks} of them one more ends the study.`,
  ];
}

function protectionLine({ protection }: StudyPlan): string {
  switch (protection.mode) {
    case 'secure-aggregation':
      if (protection.cohorts !== undefined) return cohortLine(protection.cohorts);
      return 'Secure aggregation: the coordinator sees the sum of all sites’ updates and none of them alone, unless more than a third of the sites work with it.';
    case 'sealed':
      return 'Updates are encrypted to the coordinator. The coordinator can open a single site’s update while it adds it to the others.';
    case 'plain-robust':
      return `Updates are encrypted to the coordinator, which opens each site’s update and compares it with the others (${protection.robust?.rule}, against ${protection.robust?.faulty} faulty sites). This site takes part only if protectionModes of its policy.json names plain-robust.`;
    default:
      return protection.mode satisfies never;
  }
}

function cohortLine({ size, rule, trimmed = 1 }: NonNullable<StudyPlan['protection']['cohorts']>): string {
  const { fewestSurvivors } = sessionParameters(size);
  const how =
    rule === 'median' ? 'the median' : `the mean without the ${trimmed} smallest and ${trimmed} largest values`;
  return (
    `Secure aggregation in cohorts: the hospitals of a round are divided into cohorts of at least ${size}. The coordinator, and every ` +
    `hospital, learns each cohort’s sum, which is of at least ${fewestSurvivors} hospitals, and no update alone, unless more than a third of the sites of ` +
    `a cohort work with it. The model moves by ${how} over the cohorts, number by number, so that a faulty hospital spoils its cohort alone.`
  );
}

function epsilonLine(plan: StudyPlan, epsilon: number | null): string {
  const { centralPrivacy } = plan.protection;
  if (centralPrivacy !== undefined && epsilon !== null) {
    return `Differential privacy of the sum: every site adds noise to its update, and all rounds together spend an epsilon of ${epsilon.toFixed(2)} of all that this site has (at a delta of ${centralPrivacy.delta}). What is counted on is the noise of those honest sites that ${plan.participation.quorum} sites guarantee to remain. Scores and counts are not covered.`;
  }
  return epsilon === null
    ? 'No differential privacy: what the sum of the updates tells of single patients has no bound (epsilon) here.'
    : `Differential privacy: all rounds together spend an epsilon of ${epsilon.toFixed(2)} of this site’s patients. Scores and counts are not covered.`;
}

/** What the site's patients will have spent over all studies, where they have spent before or the site has a budget. */
function spendLines(plan: StudyPlan, policy: SitePolicy, facts: StudyFacts): string[] {
  const projected = projectedSpend(plan, policy, facts);
  if (projected === null || (projected.before === 0 && policy.privacyBudget === undefined)) return [];
  const { before, withStudy } = projected;
  const limit =
    policy.privacyBudget === undefined ? '' : ` of the ${policy.privacyBudget.epsilon} that this site allows`;
  return [
    `Over all studies: an epsilon of ${before.toFixed(2)} is spent; with this study it will be ${withStudy.toFixed(2)}${limit}.`,
  ];
}

function floorLines(plan: StudyPlan, policy: SitePolicy, facts: StudyFacts): string[] {
  const floors = policyFloors(plan, policy, facts);
  const lines = floors.map(
    ({ name, needed, found, isMet }) => `${name}: needs ${needed}; the study has ${found}${isMet ? '' : ' — NOT MET'}.`,
  );
  const { trainingHours, bandwidthBytesPerSecond } = policy;
  if (trainingHours !== undefined) {
    lines.push(
      `trainingHours: trains from ${trainingHours.from} to ${trainingHours.to} only, by this machine’s clock.`,
    );
  }
  if (bandwidthBytesPerSecond !== undefined) {
    lines.push(
      `bandwidthBytesPerSecond: updates are sent and models fetched at ${several(bandwidthBytesPerSecond, 'byte')} a second at most.`,
    );
  }
  return lines.length === 0 ? ['None: this site has no policy.json, or it sets no floor.'] : lines;
}

/** The summary as lines of text; it repeats the plan's own words only with control characters removed. */
export function planSummary(
  plan: StudyPlan,
  { policy = NO_POLICY, ...facts }: StudyFacts & { readonly policy?: SitePolicy } = {},
): string[] {
  const { participation } = plan;
  const indent = (lines: string[]) => lines.map((line) => `  - ${line}`);
  return [
    `Study ${plan.name}`,
    `Plan hash ${planHash(plan)}`,
    ...(plan.description === '' ? [] : [printable(plan.description)]),
    'Data it reads here',
    ...indent(dataLines(plan)),
    'Training',
    ...indent(trainingLines(plan)),
    'What leaves this site',
    ...indent(leavingLines(plan)),
    'What stays',
    ...indent([
      'Images, tables, patient identifiers, embeddings of single patients, and the first layer of the clinical and expression encoders.',
    ]),
    'Protection',
    ...indent([
      protectionLine(plan),
      ...gateLines(plan.protection),
      epsilonLine(plan, facts.epsilon === undefined ? studyEpsilon(plan) : facts.epsilon),
      ...spendLines(plan, policy, facts),
    ]),
    'Floors of this site’s policy',
    ...indent(floorLines(plan, policy, facts)),
    'Times',
    ...indent([
      `Waits ${duration(participation.readyDeadlineSeconds)} for sites to be ready, ${duration(participation.roundDeadlineSeconds)} for each round and ${duration(participation.evaluationDeadlineSeconds)} for the evaluation; a round needs ${several(participation.quorum, 'site')}.`,
      `Once as many have answered, the others have ${duration(graceSeconds(plan))} more. ${several(maximumSkippedRounds(plan), 'round')} without a result one after another end the study.`,
    ]),
  ];
}
