import { inspectEngines } from '@wardround/shared/learning/engine/check/inspect-engines.ts';
import { reportLines } from '@wardround/shared/learning/engine/check/report-lines.ts';
import { defineCommand } from 'citty';

export const doctor = defineCommand({
  meta: { name: 'doctor', description: 'Tries every engine and says which one training would use' },
  args: { json: { type: 'boolean', description: 'As one JSON object', default: false } },
  async run({ args }) {
    const engines = await inspectEngines({ onProbe: (kind) => console.error(`Trying ${kind} …`) });
    if (args.json) console.log(JSON.stringify({ engines }));
    else
      for (const line of reportLines(engines, { wanted: process.env['WARDROUND_ENGINE'] || null })) console.log(line);
  },
});
