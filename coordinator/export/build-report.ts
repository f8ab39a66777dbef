/** Turns the record of a study into its report: combines sites, derives the comparison table, adds nothing of its own. */
import type { EvaluationResult, RetrievalResult } from '@wardround/protocols/session/messages.ts';
import { privacyDelta, privateRound, privateTraining } from '@wardround/protocols/study/private-training.ts';
import { epsilonSpent } from '@wardround/shared/privacy/rdp.ts';
import {
  combinationFormula,
  combineSites,
  errorMeaning,
  exceedsTwoErrors,
  meanGainOverTasks,
  meanOverTasks,
  overallFormula,
  overallGainFormula,
  type SiteGains,
  weightedMean,
} from './combine-sites.ts';
import {
  type ComparisonRow,
  type EvaluationRow,
  type MeanAndError,
  type OverallRow,
  Report,
  type ReportRound,
  type ReportStage,
  type RetrievalRow,
  type SiteEvaluationRow,
} from './report-schema.ts';
import type { RoundRecord, StudyRecord } from './study-record.ts';

type SiteRetrieval = RetrievalResult & { readonly site: string };

/**
 * @throws {z.ZodError} when the record holds what a report may not.
 */
export function buildReport(record: StudyRecord, versions: Report['versions']): Report {
  const { plan } = record;
  const bySite = record.evaluations.flatMap(({ site, report }) =>
    report.results.map((result): SiteEvaluationRow => ({ site, ...result })),
  );
  const retrievalBySite = record.evaluations.flatMap(({ site, report }) =>
    report.retrieval.map((result): SiteRetrieval => ({ site, ...result })),
  );
  const comparison = comparisonRows(bySite);
  return Report.parse({
    format: 'wardround-report/1',
    study: {
      name: plan.name,
      description: plan.description,
      hash: record.hash,
      state: record.state,
      failure: record.failure,
      engine: keyed(record.sites, ({ engine }) => engine.kind),
      engineDescription: keyed(record.sites, ({ engine }) => engine.description),
      launchedAt: new Date(record.launchedMillis).toISOString(),
      endedAt: record.endedMillis === null ? null : new Date(record.endedMillis).toISOString(),
      wallSeconds: record.endedMillis === null ? null : (record.endedMillis - record.launchedMillis) / 1000,
      absent: [...record.absent],
    },
    stages: record.stages.map(
      (stage): ReportStage => ({
        name: stage.name,
        kind: plan.stages.find(({ name }) => name === stage.name)?.kind ?? 'slice-pretraining',
        rounds: stage.rounds.map(reportRound),
        initialModelHash: stage.initial,
        finalModelHash: stage.final,
      }),
    ),
    evaluation: [...federationRows(bySite), ...aloneRows(bySite)],
    comparison,
    overall: overallRows(comparison, record.evaluations),
    evaluationBySite: bySite,
    retrieval: retrievalRows(retrievalBySite),
    skipped: record.evaluations.flatMap(({ site, report }) => report.skipped.map((skip) => ({ site, ...skip }))),
    evaluationLeftOut: [...record.evaluationLeftOut],
    quarantine: keyed(record.sites, ({ quarantine }) => quarantine),
    data: keyed(record.sites, ({ inventory }) => inventory),
    method: {
      errors: errorMeaning,
      combination: combinationFormula,
      overall: `${overallFormula}; ${overallGainFormula}`,
      fewShotSeeds: plan.evaluation.fewShot.seeds,
      heldOutFraction: plan.evaluation.heldOutFraction,
    },
    protection: {
      mode: plan.protection.mode,
      clip: plan.protection.clip,
      minimumPatients: plan.evaluation.minimumPatients,
      ...secureAggregation(record),
      ...spentPrivacy(record),
    },
    ...(record.ledgers != null && {
      ledgers: { ...record.ledgers, sites: record.ledgers.sites.map((site) => ({ ...site })) },
    }),
    versions,
  } satisfies Report);
}

function secureAggregation({ stages }: StudyRecord): Pick<Report['protection'], 'secureAggregation'> {
  const rounds = stages.flatMap((stage) => stage.rounds);
  const sessions = rounds.flatMap(({ session }) => session ?? []);
  if (sessions.length === 0) return {};
  return {
    secureAggregation: {
      fewestSites: Math.min(...sessions.map(({ sites }) => sites)),
      lowestThreshold: Math.min(...sessions.map(({ threshold }) => threshold)),
      dropOuts: rounds.flatMap(({ leftOut }) => leftOut).filter(({ reason }) => reason === 'dropped-out').length,
      abortedSessions: sessions.reduce((sum, { aborted }) => sum + aborted, 0),
    },
  };
}

/** The epsilon of each site and stage, by the rounds that the site said it had trained. */
function spentPrivacy({ plan, stages }: StudyRecord): Pick<Report['protection'], 'privacy'> {
  const training = privateTraining(plan);
  const delta = privacyDelta(plan);
  if (training === null || delta === null) return {};
  const spent = stages.flatMap(({ name: stage, rounds }) => {
    const trained = rounds.flatMap((round) => round.trained ?? []);
    const sites = [...new Set(trained.map(({ site }) => site))].sort();
    return sites.map((site) => {
      const mechanisms = trained
        .filter((one) => one.site === site)
        .flatMap(({ steps }) => (steps > 0 ? (privateRound(plan, steps) ?? []) : []));
      const epsilon = mechanisms.length === 0 ? 0 : epsilonSpent(mechanisms, { delta });
      return { site, stage, rounds: mechanisms.length, epsilon };
    });
  });
  return { privacy: { delta, projectedEpsilon: epsilonSpent([training], { delta }), spent } };
}

function reportRound(round: RoundRecord): ReportRound {
  return {
    round: round.round,
    participants: round.participants.map(({ site }) => site),
    leftOut: [...round.leftOut],
    loss: keyed(round.participants, ({ figures }) => figures.loss),
    seconds: (round.endedMillis - round.startedMillis) / 1000,
    trainingSeconds: keyed(round.participants, ({ figures }) => figures.seconds),
    samples: keyed(round.participants, ({ figures }) => figures.samples),
    bytesSent: keyed(round.participants, ({ bytesSent }) => bytesSent),
    modelHash: round.model,
    failure: round.failure,
  };
}

/** Random and federated encoders over all sites. */
function federationRows(bySite: readonly SiteEvaluationRow[]): EvaluationRow[] {
  return groupByMeasurement(bySite).flatMap((rows) =>
    (['random', 'federated'] as const).flatMap((encoder) => {
      const measured = rows.filter((row) => row.encoder === encoder);
      const auc = combineAuc(measured);
      if (auc === null) return [];
      const { task, protocol, k, representation } = measured[0]!;
      const gainOverRandom = combineGain(measured);
      return [{ task, protocol, k, representation, encoder, auc, gainOverRandom, patients: countPatients(measured) }];
    }),
  );
}

function aloneRows(bySite: readonly SiteEvaluationRow[]): EvaluationRow[] {
  return bySite
    .filter(({ encoder }) => encoder === 'alone')
    .map(({ site, ...row }) => ({ ...row, encoder: `site:${site}` }));
}

function comparisonRows(bySite: readonly SiteEvaluationRow[]): ComparisonRow[] {
  return groupByMeasurement(bySite).map((rows) => {
    const of = (encoder: EvaluationResult['encoder']) => rows.filter((row) => row.encoder === encoder);
    const federated = of('federated');
    const counted = federated.length > 0 ? federated : rows;
    const { task, protocol, k, representation } = rows[0]!;
    const gainOverRandom = combineGain(federated);
    return {
      task,
      protocol,
      k,
      representation,
      random: combineAuc(of('random')),
      alone: combineAuc(of('alone')),
      federated: combineAuc(federated),
      gainOverRandom,
      gainExceedsTwoErrors: gainOverRandom === null ? null : exceedsTwoErrors(gainOverRandom),
      patients: countPatients(counted),
      sites: [...new Set(counted.map(({ site }) => site))],
    };
  });
}

function overallRows(comparison: readonly ComparisonRow[], evaluations: StudyRecord['evaluations']): OverallRow[] {
  const groups = groupBy(comparison, ({ protocol, k, representation }) => [protocol, k, representation]);
  return groups.map((rows) => {
    const { protocol, k, representation } = rows[0]!;
    // Only tasks that have the figure: a task without it must not lower or raise a mean it is not in.
    const mean = (pick: (row: ComparisonRow) => MeanAndError | null) =>
      meanOverTasks(rows.map(pick).filter((figure) => figure !== null));
    const exact = protocol === 'linear-probe' ? meanGainOverTasks(siteGains(evaluations, representation)) : null;
    const gainOverRandom = exact ?? mean((row) => row.gainOverRandom);
    return {
      protocol,
      k,
      representation,
      tasks: rows.length,
      random: mean((row) => row.random),
      alone: mean((row) => row.alone),
      federated: mean((row) => row.federated),
      gainOverRandom,
      gainExceedsTwoErrors: gainOverRandom === null ? null : exceedsTwoErrors(gainOverRandom),
    };
  });
}

/** The federated encoder's gains by linear probe, site by site. */
function siteGains(
  evaluations: StudyRecord['evaluations'],
  representation: EvaluationResult['representation'],
): SiteGains[] {
  return evaluations.map(({ report }) => ({
    gains: report.results.flatMap((row) =>
      row.protocol === 'linear-probe' &&
      row.encoder === 'federated' &&
      row.representation === representation &&
      row.gainOverRandom !== null
        ? [{ task: row.task, mean: row.gainOverRandom.mean, patients: row.patients }]
        : [],
    ),
    covariance: report.gainCovariances?.find(
      (covariance) => covariance.representation === representation && covariance.encoder === 'federated',
    ),
  }));
}

function retrievalRows(bySite: readonly SiteRetrieval[]): RetrievalRow[] {
  const pairs = [...new Set(bySite.map(({ pair }) => pair))];
  const federation = pairs.flatMap((pair): RetrievalRow[] => {
    const rows = bySite.filter((row) => row.pair === pair && row.encoder === 'federated');
    const mean = (pick: (row: SiteRetrieval) => number) =>
      weightedMean(rows.map((row) => ({ value: pick(row), patients: row.patients })));
    const recallAt1 = mean((row) => row.recallAt1);
    const recallAt5 = mean((row) => row.recallAt5);
    const chanceAt1 = mean((row) => row.chanceAt1);
    const chanceAt5 = mean((row) => row.chanceAt5);
    if (recallAt1 === null || recallAt5 === null || chanceAt1 === null || chanceAt5 === null) return [];
    const patients = countPatients(rows);
    return [{ pair, encoder: 'federated', recallAt1, recallAt5, chanceAt1, chanceAt5, patients }];
  });
  const alone = bySite
    .filter(({ encoder }) => encoder === 'alone')
    .map(({ site, ...row }): RetrievalRow => ({ ...row, encoder: `site:${site}` }));
  return [...federation, ...alone];
}

/** Rows that measure the same thing on different sites or with different encoders, in order of first appearance. */
function groupByMeasurement(rows: readonly SiteEvaluationRow[]): SiteEvaluationRow[][] {
  return groupBy(rows, ({ task, protocol, k, representation }) => [task, protocol, k, representation]);
}

function groupBy<Row>(rows: readonly Row[], keyOf: (row: Row) => readonly (string | number | null)[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify(keyOf(row));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()];
}

function combineAuc(rows: readonly SiteEvaluationRow[]) {
  return combineSites(rows.map(({ auc, patients }) => ({ value: auc, patients })));
}

function combineGain(rows: readonly SiteEvaluationRow[]) {
  return combineSites(
    rows.flatMap(({ gainOverRandom, patients }) =>
      gainOverRandom === null ? [] : [{ value: gainOverRandom, patients }],
    ),
  );
}

function countPatients(rows: readonly { readonly patients: number }[]): number {
  return rows.reduce((sum, { patients }) => sum + patients, 0);
}

function keyed<Item extends { readonly site: string }, Value>(
  items: readonly Item[],
  pick: (item: Item) => Value,
): Record<string, Value> {
  return Object.fromEntries(items.map((item) => [item.site, pick(item)]));
}
