import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readPlanFile } from '@wardround/coordinator/cli/read-plan-file.ts';
import { updateScale } from '@wardround/protocols/study/stage-layout.ts';
import { describe, expect, test } from 'vitest';

const folder = fileURLToPath(new URL('.', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

describe('sample studies', () => {
  test('there are some', () => {
    expect(files).toContain('medform-64.yaml');
  });

  test.each(files)('%s is a plan, named after its file, whose sums fit ten sites', async (file) => {
    const plan = await readPlanFile(`${folder}${file}`);
    expect(`${plan.name}.yaml`).toBe(file);
    expect(updateScale(plan, 10)).toBeGreaterThan(0);
    for (const { maximumLocalSteps, batch } of plan.stages) {
      expect((maximumLocalSteps ?? Number.POSITIVE_INFINITY) * batch).toBeLessThanOrEqual(
        plan.protection.maximumSampleCount,
      );
    }
  });
});
