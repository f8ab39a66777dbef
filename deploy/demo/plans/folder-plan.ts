/** Writes a plan for hospitals whose tables were surveyed: see site-survey.ts for who may do that. Pure. */
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { DemoError } from '../demo-error.ts';
import { chooseGenes } from './choose-genes.ts';
import { chooseTasks } from './choose-tasks.ts';
import { excludedColumns } from './excluded-columns.ts';
import { heldOutShare } from './held-out-share.ts';
import type { SiteSurvey } from './site-survey.ts';
import { type RunSize, trainingSettings } from './training-settings.ts';

/**
 * @throws {DemoError} when no hospital has a patient with CT.
 */
export function folderPlan(
  surveys: readonly SiteSurvey[],
  { name, ...size }: { readonly name: string } & Omit<RunSize, 'sites'>,
): StudyPlan {
  const withCt = surveys.filter(({ patientsWithCt }) => patientsWithCt > 0);
  if (withCt.length === 0) {
    throw new DemoError('Cannot write a plan: no site has a patient with CT. Put DICOM files below SITE/ct');
  }
  const genes = chooseGenes(surveys);
  const tasks = chooseTasks(surveys);
  const { fraction, minimumPatients } = heldOutShare(withCt.map(({ patientsWithCt }) => patientsWithCt));
  return StudyPlan.parse({
    format: 'wardround-study/1',
    name,
    description:
      'Slice pretraining and cross-modal alignment on the folders of one machine; the plan was derived from headings and value counts of their tables.',
    seed: 20_261,
    ...trainingSettings({ ...size, sites: surveys.length }),
    clinical: { fields: 'auto', excludeColumns: excludedColumns(surveys) },
    ...(genes === null ? {} : { expression: { genes } }),
    evaluation: {
      heldOutFraction: fraction,
      tasks,
      fewShot: { shots: [1, 5, 10], seeds: 5 },
      minimumPatients,
      trainAlone: !size.private,
    },
  });
}
