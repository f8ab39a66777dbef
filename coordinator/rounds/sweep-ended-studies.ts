/**
 * Removes what nobody needs once a study has ended, at start and daily: what its sites signed where they speak once, as it
 * takes nothing more, and its transcripts when their time is over. Evidence that was made stays.
 */
import { isOver } from '@wardround/protocols/round/state.ts';
import type { StatementTable } from '../storage/statement-table.ts';
import type { Clock } from './clock.ts';
import type { Studies } from './studies.ts';
import type { StudyRunner } from './study-runner.ts';

export function sweepEndedStudies(
  {
    studies,
    statements,
  }: {
    readonly studies: Pick<Studies, 'removeEndedTranscripts'> & { all(): readonly Pick<StudyRunner, 'state'>[] };
    readonly statements: Pick<StatementTable, 'forget'>;
  },
  options: { readonly clock: Clock; readonly everyMillis: number; readonly onTrouble: (error: unknown) => void },
): { stop(): Promise<void> } {
  const { clock, everyMillis, onTrouble } = options;
  let cancel = (): void => undefined;
  let sweeping: Promise<void> = Promise.resolve();
  const sweepOnce = async (): Promise<void> => {
    for (const { study } of studies
      .all()
      .map((runner) => runner.state())
      .filter(isOver)) {
      await statements.forget(study);
    }
    await studies.removeEndedTranscripts();
  };
  const sweep = (): void => {
    sweeping = sweepOnce().catch(onTrouble);
    cancel = clock.at(clock.now() + everyMillis, sweep);
  };
  sweep();
  return {
    async stop() {
      cancel();
      await sweeping;
    },
  };
}
