/** The roster chain that this site believes: every epoch it has checked, in order (protocols/enrolment/roster.ts). */
import { type Roster, SignedRoster } from '@wardround/protocols/enrolment/roster.ts';
import { z } from 'zod';
import { readStateFile, type StateFile, writeStateFile } from './state-file.ts';

const PinnedChain = z.strictObject({
  format: z.literal('wardround-site-roster/1'),
  chain: z.array(SignedRoster).min(1),
});

const ROSTER: StateFile<z.infer<typeof PinnedChain>> = {
  name: 'roster.json',
  schema: PinnedChain,
  remedy:
    'Restore it from a backup. If there is none, compare the coordinator’s roster with other sites before you remove the file: what is pinned next is believed.',
};

/** Empty when no roster has been pinned yet. */
export async function pinnedChain(folder: string): Promise<SignedRoster[]> {
  return (await readStateFile(folder, ROSTER))?.chain ?? [];
}

/**
 * The newest epoch this site has pinned.
 *
 * @throws {Error} when none is pinned yet.
 * @throws {DamagedStateError}
 */
export async function pinnedRoster(folder: string): Promise<Roster> {
  return newestOf(await pinnedChain(folder));
}

/** @throws {Error} when there is none. */
export function newestOf(chain: readonly SignedRoster[]): Roster {
  const newest = chain.at(-1);
  if (newest !== undefined) return newest.roster;
  throw new Error(
    'Cannot say who the members are: this site has pinned no roster yet. It does so as soon as it is admitted and its client runs.',
  );
}

/** Keeps a chain that extends the pinned one; the caller has checked it (roster-chain.ts). */
export function pinChain(folder: string, chain: readonly SignedRoster[]): Promise<void> {
  return writeStateFile(folder, ROSTER, { format: 'wardround-site-roster/1', chain: [...chain] });
}
