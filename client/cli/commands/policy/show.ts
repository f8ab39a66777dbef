import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { POLICY_FILE, readPolicy } from '../../../policy/site-policy.ts';
import { stateOption } from '../../options.ts';
import { policyLines } from './policy-lines.ts';

export const show = defineCommand({
  meta: { name: 'show', description: 'Says which floors this site’s policy sets' },
  args: { state: stateOption },
  async run({ args }) {
    const policy = await readPolicy(resolve(args.state));
    for (const line of policyLines(policy)) console.log(line);
    console.log(`The policy is the file ${POLICY_FILE} in the site’s folder. No study can lower its floors.`);
  },
});
