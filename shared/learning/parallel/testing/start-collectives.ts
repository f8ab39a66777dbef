import { createExchangeMemory } from '../exchange.ts';
import { startTeam, type Team } from '../team.ts';
import type { CollectivesAnswer, CollectivesCommand, CollectivesData } from './collectives-worker.ts';

/** A team that does what the tests of `parallel` ask for. */
export function startCollectives(
  members: number,
  { timeoutMillis, ...data }: Partial<CollectivesData> & { readonly timeoutMillis?: number } = {},
): Team<CollectivesCommand, CollectivesAnswer> {
  return startTeam<CollectivesData, CollectivesCommand, CollectivesAnswer>({
    script: new URL('./collectives-worker.ts', import.meta.url),
    members,
    data: { engine: 'wasm', exchange: createExchangeMemory(64), ...data },
    ...(timeoutMillis === undefined ? {} : { timeoutMillis }),
  });
}
