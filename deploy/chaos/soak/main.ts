/** `npm run soak -- --minutes 30 [--seed S] [--sites 5]`: random kills for so long; ends with an error when a promise is broken. */
import { defineCommand, runMain } from 'citty';
import { chaosSeed, withSeed } from '../seed/chaos-seed.ts';
import { runSoak } from './run-soak.ts';

const soak = defineCommand({
  meta: { name: 'soak', description: 'Kills coordinator and sites at random for as long as you like' },
  args: {
    minutes: { type: 'string', default: '30', description: 'How long' },
    seed: { type: 'string', description: 'Draws the same faults again' },
    sites: { type: 'string', default: '5', description: 'How many sites, four at least' },
  },
  async run({ args }) {
    const [minutes, sites] = [Number(args.minutes), Number(args.sites)];
    if (!(minutes > 0) || !Number.isInteger(sites) || sites < 4) {
      throw new RangeError('Cannot begin: --minutes must be above 0 and --sites a whole number from 4.');
    }
    const seed = chaosSeed(args.seed === undefined ? process.env : { WARDROUND_CHAOS_SEED: args.seed });
    console.log(`Seed ${seed}, ${sites} sites, ${minutes} minutes`);
    const repeat = (again: number) => `npm run soak -- --minutes ${minutes} --sites ${sites} --seed ${again}`;
    const { studies, committed, otherRounds, kills, lineFaults } = await withSeed({ seed, repeat }, () =>
      runSoak({ seed, millis: minutes * 60_000, sites, roundsOfAStudy: 20, calmMillis: 2500, report: console.log }),
    );
    console.log(
      `${studies} studies, ${committed} rounds committed, ${otherRounds} ended without a result; ` +
        `${kills.coordinator} coordinators and ${kills.sites} sites killed, ${lineFaults} faults of the line; seed ${seed}. Every promise was kept.`,
    );
  },
});

await runMain(soak);
