import { defineCommand } from 'citty';
import { jsonArgument, stateArgument } from '../../arguments.ts';
import { print, printRows } from '../../print.ts';
import { readEvidence } from './read-evidence.ts';

export const list = defineCommand({
  meta: { name: 'list', description: 'List what proves that a site broke the protocol; nothing is changed' },
  args: { ...stateArgument, ...jsonArgument },
  async run({ args }) {
    const known = await readEvidence(args.state);
    if (args.json) return print(JSON.stringify(known, null, 2));
    if (known.length === 0) return print('There is no evidence against any site.');
    printRows([
      ['EVIDENCE', 'SITE', 'WHAT', 'RECORDED', 'SIGNATURES'],
      ...known.map(({ evidence: { id, site, kind, recordedAtMillis }, finding }) => [
        id.slice(0, 12),
        site,
        kind,
        new Date(recordedAtMillis).toISOString(),
        finding.ok ? 'fit' : finding.fault.kind,
      ]),
    ]);
  },
});
