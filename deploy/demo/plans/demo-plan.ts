/** The plan of the demo's synthetic hospitals. Unlike for a folder of real ones, nobody has to look into their tables. */
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { demoPlanFields } from '../hospitals/study-fields.ts';
import { type RunSize, trainingSettings } from './training-settings.ts';

export function demoPlan(size: RunSize): StudyPlan {
  const { windowHounsfield, clinical, expression, tasks } = demoPlanFields();
  const { imaging, ...training } = trainingSettings(size);
  return StudyPlan.parse({
    format: 'wardround-study/1',
    name: ['demo', size.quick && 'quick', size.private && 'private'].filter(Boolean).join('-'),
    description: `${size.private ? 'Private slice pretraining' : 'Slice pretraining and cross-modal alignment'} across three synthetic hospitals, each with its own scanner, tables and gaps.`,
    seed: 7,
    ...training,
    imaging: { ...imaging, windowHounsfield },
    clinical,
    expression,
    evaluation: {
      heldOutFraction: 0.4,
      tasks,
      fewShot: { shots: [1, 5, 10], seeds: 5 },
      minimumPatients: 10,
      trainAlone: !size.private,
    },
  });
}
