/**
 * Fault 48: one site is told of another model or another plan than the others. It refuses; where it is forced to go on, its
 * masks do not fit the others', the canary says so, and nothing is published.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readKeptSession } from '@wardround/client/state/kept-session.ts';
import { maskInstructions } from '@wardround/protocols/secure-aggregation/mask-instructions.ts';
import type { KeyBroadcast, SessionTerms, SignedMessage } from '@wardround/protocols/secure-aggregation/messages.ts';
import { describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { resign } from '../consortium/resign.ts';
import type { Tampering } from '../consortium/run-site.ts';
import { outcomesOf, siteNames, startAll, throughFault } from './through-fault.ts';

const everybody = siteNames(4);
const [colluder = '', , , victim = ''] = everybody;
const others = everybody.slice(0, 3);
const forged = 'f'.repeat(64);

/** What the victim is told in each round, from the second on. */
const REASONS = ['model-chain-broken', 'plan-hash-mismatch', 'model-differs', 'plan-differs'] as const;

describe.concurrent('a site that is told of another model or plan', () => {
  test('fault 48: refuses by name, and the others go on', { timeout: 180_000 }, async () => {
    const rounds = REASONS.length + 2;
    const lieOf = (round: number) => REASONS[round - 2];
    const base = chaosPlan({ name: 'told-otherwise', rounds, quorum: 3 });
    const state = await throughFault(
      { sites: 4 },
      {
        plan: base,
        async make(consortium) {
          const victimFolder = consortium.sites[3]!.folder;
          const { signingSeed } = consortium.sites[0]!.joined.identity;
          /** The colluder signs what the coordinator wants the victim to believe. */
          const withTerms = (broadcast: KeyBroadcast, change: Partial<SessionTerms>): KeyBroadcast => ({
            ...broadcast,
            advertisements: broadcast.advertisements.map((message) => {
              if (message.header.site !== colluder) return message;
              const body = { ...message.body, terms: { ...message.body.terms, ...change } };
              return resign(message as SignedMessage<'advertise'>, { body, signingSeed }) as typeof message;
            }),
          });
          let round = 0;
          const tampering: Tampering = {
            link: (link) => ({
              ...link,
              async work(signal) {
                const work = await link.work(signal);
                if ('round' in work) round = work.round;
                else if (work.kind === 'evaluate') round = rounds;
                if (work.kind !== 'train' || lieOf(work.round) !== 'model-chain-broken') return work;
                return { ...work, model: forged };
              },
              async download(hash, options) {
                const file = await link.download(hash, options);
                if (lieOf(round) !== 'plan-hash-mismatch') return file;
                const bytes = await readFile(file, 'utf8').catch(() => '');
                if (!bytes.startsWith('{')) return file;
                const other = path.join(victimFolder, 'other-plan');
                await writeFile(other, bytes.replace(/"clip":[\d.]+/, '"clip":0.015625'));
                return other;
              },
              async sessionDocument(reference, signal) {
                const answer = await link.sessionDocument(reference, signal);
                if (answer.step !== 'share-keys') return answer;
                const lie = lieOf(reference.round);
                if (lie === 'model-differs') {
                  return { ...answer, document: withTerms(answer.document, { model: forged }) };
                }
                if (lie === 'plan-differs') {
                  return { ...answer, document: withTerms(answer.document, { plan: forged }) };
                }
                return answer;
              },
            }),
          };
          startAll(consortium, { [victim]: { tampering } });
        },
      },
    );
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(outcomesOf(state)).toEqual([everybody, ...REASONS.map(() => others), everybody]);
    const told = state.stages[0]!.rounds.map(({ leftOut }) => leftOut);
    expect(told).toEqual([[], ...REASONS.map((reason) => [{ site: victim, reason }]), []]);
  });

  test('fault 48: and forced to mask for it makes a sum that fails its canary, of which nothing is published', {
    timeout: 180_000,
  }, async () => {
    const lies: readonly Partial<SessionTerms>[] = [{ model: forged }, { plan: forged }];
    const plan = chaosPlan({ name: 'forced', rounds: lies.length + 1, quorum: 3 });
    const state = await throughFault(
      { sites: 4 },
      {
        plan,
        async make(consortium, study) {
          const { folder } = consortium.sites[3]!;
          const tampering: Tampering = {
            trainer: (trainer) => ({
              ...trainer,
              async run(task, options) {
                if (task.kind !== 'mask') return trainer.run(task, options);
                const kept = await readKeptSession(folder, { study, stage: 'slices' });
                const party = kept?.party;
                const lie = lies[(kept?.round ?? 0) - 1];
                if (party?.phase !== 'masking' || lie === undefined) return trainer.run(task, options);
                const instructions = maskInstructions({ ...party, terms: { ...party.terms, ...lie } });
                return trainer.run({ ...task, instructions }, options);
              },
            }),
          };
          startAll(consortium, { [victim]: { tampering } });
        },
      },
    );
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(outcomesOf(state)).toEqual(['canary-wrong', 'canary-wrong', everybody]);
    const { rounds, initialModel } = state.stages[0]!;
    expect(rounds.map(({ startModel }) => startModel)).toEqual([initialModel, initialModel, initialModel]);
    for (const { outcome } of rounds.slice(0, -1)) expect(outcome).not.toHaveProperty('sum');
  });
});
