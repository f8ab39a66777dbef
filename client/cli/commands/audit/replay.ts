import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { replayRound } from '../../../audit/replay-round.ts';
import { openTranscriptLink } from '../../../link/transcript-link.ts';
import { readFollowedLinks } from '../../../state/followed-links.ts';
import { readMembership } from '../../../state/membership.ts';
import { pinnedChain } from '../../../state/pinned-roster.ts';
import { openSequenceNumbers } from '../../../state/sequence-numbers.ts';
import { readSiteIdentity } from '../../../state/site-identity.ts';
import { UsageError } from '../../exit-codes.ts';
import { stateOption } from '../../options.ts';
import { hashArgument, requireOffered } from '../study/require-offered.ts';

export const replay = defineCommand({
  meta: {
    name: 'replay',
    description: 'Recomputes a round’s sum from what all sites have signed, and compares it with the published one',
  },
  args: {
    hash: hashArgument,
    stage: { type: 'string', required: true, description: 'The stage’s name in the plan', valueHint: 'NAME' },
    round: { type: 'string', required: true, description: 'The round’s number', valueHint: 'NUMBER' },
    state: stateOption,
  },
  async run({ args }) {
    const folder = resolve(args.state);
    const { study, plan } = await requireOffered(args.hash, folder);
    if (!plan.stages.some(({ name }) => name === args.stage)) {
      throw new UsageError(`Cannot replay: the plan's stages are ${plan.stages.map(({ name }) => name).join(', ')}.`);
    }
    if (plan.protection.mode !== 'secure-aggregation') {
      throw new UsageError('Cannot replay: the study has no secure aggregation, so there is nothing to replay.');
    }
    if (!/^[1-9]\d{0,4}$/.test(args.round)) throw new UsageError('Cannot replay: --round must be a number from 1.');
    const membership = await readMembership(folder);
    const identity = await readSiteIdentity(folder);
    if (membership === null || identity === null) {
      throw new UsageError('Cannot replay: this folder holds no site that has joined. Name the folder with --state.');
    }
    const { site, coordinator } = membership;
    const reference = { study, stage: args.stage, round: Number(args.round) };
    const sequence = openSequenceNumbers(folder);
    const { signal } = new AbortController();
    const link = openTranscriptLink({ coordinator, identity, site, sequence, signal });
    try {
      const { survivors, sum, isFollowed } = await replayRound(reference, {
        plan,
        rosters: await pinnedChain(folder),
        followed: await readFollowedLinks(folder, reference),
        link,
        nowMillis: Date.now(),
      });
      console.log(`The vectors of ${survivors.join(', ')} add up to the published sum ${sum.slice(0, 12)}.`);
      console.log(
        isFollowed
          ? 'It is the sum that this site’s own model was made from.'
          : 'This site has not computed the model of that round itself, so it took the coordinator’s word for which sum it was.',
      );
    } finally {
      link.close();
    }
  },
});
