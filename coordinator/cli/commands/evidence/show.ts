import { defineCommand } from 'citty';
import { stateArgument } from '../../arguments.ts';
import { UsageError } from '../../exit-codes.ts';
import { print } from '../../print.ts';
import { readEvidence } from './read-evidence.ts';

export const show = defineCommand({
  meta: {
    name: 'show',
    description: 'Print one piece of evidence as JSON: two signed requests, without what they said',
  },
  args: {
    evidence: { type: 'positional', required: true, description: 'The beginning of its hash, as "list" shows it' },
    ...stateArgument,
  },
  async run({ args }) {
    const known = (await readEvidence(args.state)).filter(({ evidence }) => evidence.id.startsWith(args.evidence));
    const [found] = known;
    if (found === undefined || known.length > 1) {
      throw new UsageError(
        `Cannot show the evidence: ${known.length} pieces begin with these digits. Take them from "evidence list".`,
      );
    }
    print(JSON.stringify(found, null, 2));
  },
});
