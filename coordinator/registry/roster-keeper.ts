/**
 * Keeps the roster's chain: proposes its next epoch, collects members' approvals, adopts it when there are enough. It signs
 * as the administrator; what that alone is worth is said in protocols/enrolment/roster-chain.ts.
 */
import {
  ADMINISTRATOR,
  memberNames,
  type Roster,
  type RosterApproval,
  rosterHash,
  type SignedRoster,
} from '@wardround/protocols/enrolment/roster.ts';
import {
  checkContent,
  checkNextRoster,
  memberApprovals,
  nextRoster,
  type RosterChange,
  RosterRefusedError,
  requiredApprovals,
} from '@wardround/protocols/enrolment/roster-chain.ts';
import { approveRoster, isApprovedWith } from '@wardround/protocols/enrolment/roster-signatures.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import { RefusalError } from '../refusal-error.ts';
import { createInTurn } from '../rounds/in-turn.ts';
import type { RosterProposal, RosterTable } from '../storage/roster-table.ts';

export interface RosterKeeper {
  chain(): readonly SignedRoster[];
  newest(): Roster | null;
  proposal(): RosterProposal | null;
  /** Whose approval the proposal needs, how many of them, and who has given it. */
  waiting(): { readonly of: readonly string[]; readonly count: number; readonly given: readonly string[] } | null;
  /** Takes up what other replicas have proposed and adopted. */
  follow(): Promise<void>;
  /** Adds the change to what waits: it is adopted at once when nobody has to approve it. */
  propose(change: RosterChange): Promise<void>;
  /** @throws {RefusalError} when it is not a member's approval of what waits. */
  approve(hash: string, approval: RosterApproval): Promise<void>;
}

export async function createRosterKeeper(
  table: RosterTable,
  options: {
    readonly identity: Pick<Identity, 'signingSeed'>;
    readonly fingerprint: string;
    readonly signingKey: string;
    readonly now: () => number;
    /** Where other replicas change the roster too: runs a task while none of them does. */
    readonly exclusively?: (<Result>(task: () => Promise<Result>) => Promise<Result>) | undefined;
    /** Called with each epoch that was adopted, here or by another replica. */
    readonly onEpoch: (roster: Roster, previous: Roster | null) => Promise<void>;
    /** Called with the members whose approval is needed. */
    readonly onProposal: (members: readonly string[]) => void;
  },
): Promise<RosterKeeper> {
  const { identity, fingerprint, signingKey, now, exclusively, onEpoch, onProposal } = options;
  const anchor = { fingerprint, signingKey };
  const chain = await table.read();
  let proposal = await table.readProposal();
  const turn = createInTurn();
  let version = exclusively === undefined ? '' : await table.version();

  const takeUp = async (): Promise<void> => {
    const current = await table.version();
    if (current === version) return;
    const stored = await table.read();
    const proposed = await table.readProposal();
    const before = newest();
    const isNew = proposed !== null && proposed.roster.epoch !== proposal?.roster.epoch;
    chain.splice(0, chain.length, ...stored);
    proposal = proposed;
    version = current;
    const after = newest();
    if (after !== null && after.epoch !== before?.epoch) await onEpoch(after, before);
    if (isNew) onProposal(requiredApprovals(after, proposed.roster).of);
  };

  /** One after another, over all replicas. */
  const inTurn = <Result>(task: () => Promise<Result>): Promise<Result> =>
    turn(async () => {
      if (exclusively === undefined) return task();
      return exclusively(async () => {
        await takeUp();
        return task();
      });
    });
  const newest = (): Roster | null => chain.at(-1)?.roster ?? null;

  const settle = async (next: RosterProposal): Promise<void> => {
    const previous = newest();
    const { count, of } = requiredApprovals(previous, next.roster);
    if (memberApprovals(previous, next).length < count) {
      await table.propose(next);
      const isNew = proposal?.roster !== next.roster;
      proposal = next;
      if (isNew) onProposal(of);
      return;
    }
    checkNextRoster(next, previous, anchor);
    await table.adopt(next);
    chain.push(next);
    proposal = null;
    await onEpoch(next.roster, previous);
  };

  return {
    chain: () => chain,
    newest,
    proposal: () => proposal,
    follow: async () => {
      if (exclusively !== undefined && (await table.version()) !== version) await turn(takeUp);
    },
    waiting() {
      if (proposal === null) return null;
      return { ...requiredApprovals(newest(), proposal.roster), given: memberApprovals(newest(), proposal) };
    },
    propose: (change) =>
      inTurn(async () => {
        const merged = merge(waitingChange(proposal?.roster ?? null, newest()), change, memberNames(newest()));
        if (Object.values(merged).every((names) => names.length === 0)) {
          await table.withdraw();
          proposal = null;
          return;
        }
        const roster = nextRoster(newest(), merged, { coordinator: fingerprint, nowMillis: now() });
        try {
          checkContent(roster, newest(), anchor);
        } catch (error) {
          if (error instanceof RosterRefusedError) throw refused(error.code, 422, error.message);
          throw error;
        }
        await settle({ roster, approvals: [approveRoster(roster, { by: ADMINISTRATOR, identity })] });
      }),
    approve: (hash, approval) =>
      inTurn(async () => {
        if (proposal === null || rosterHash(proposal.roster) !== hash) {
          throw refused(
            'roster-not-proposed',
            409,
            'This roster does not wait for approval any more. Ask for the roster.',
          );
        }
        const { roster, approvals } = proposal;
        const keys = (newest()?.sites ?? []).filter(({ site }) => site === approval.by);
        if (!keys.some((member) => isApprovedWith(roster, approval, member.signingKey))) {
          throw refused('roster-approval-invalid', 422, 'The approval is not signed by a member’s key.');
        }
        if (approvals.some(({ by }) => by === approval.by)) return;
        await settle({ roster, approvals: [...approvals, approval] });
      }),
  };
}

/** What a roster that waits changes in the newest. */
function waitingChange(waiting: Roster | null, newest: Roster | null): RosterChange {
  if (waiting === null) return {};
  const members = new Set(memberNames(newest));
  return {
    add: waiting.sites.filter(({ site }) => !members.has(site)),
    remove: waiting.removed,
    rotate: waiting.rotations,
  };
}

/** The later wish for a site takes the place of the earlier one. */
function merge(waiting: RosterChange, change: RosterChange, members: readonly string[]): Required<RosterChange> {
  const { add = [], remove = [], rotate = [] } = change;
  const named = new Set([...add, ...rotate].map(({ site }) => site).concat(remove));
  return {
    add: [...(waiting.add ?? []).filter(({ site }) => !named.has(site)), ...add],
    remove: [
      ...(waiting.remove ?? []).filter((site) => !named.has(site)),
      ...remove.filter((site) => members.includes(site)),
    ],
    rotate: [...(waiting.rotate ?? []).filter(({ site }) => !named.has(site)), ...rotate],
  };
}

function refused(code: string, status: number, message: string): RefusalError {
  return new RefusalError(code, { status, message });
}
