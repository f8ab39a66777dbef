/**
 * Follows the consortium's roster: pins each epoch that follows from the pinned ones, refuses any other, tells people in
 * words what changes, and approves what the site's policy or a person here approves.
 */
import { memberNames, type Roster, rosterHash } from '@wardround/protocols/enrolment/roster.ts';
import {
  checkContent,
  extendChain,
  type RosterAnchor,
  RosterRefusedError,
} from '@wardround/protocols/enrolment/roster-chain.ts';
import { rosterDifference } from '@wardround/protocols/enrolment/roster-difference.ts';
import { approveRoster, rotateKeys } from '@wardround/protocols/enrolment/roster-signatures.ts';
import { type Identity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import type { SiteLink } from '../link/site-link.ts';
import type { SiteLog } from '../log/site-log.ts';
import { readPolicy } from '../policy/site-policy.ts';
import { pinChain, pinnedChain } from '../state/pinned-roster.ts';
import { isInRoster, readNextIdentity } from './next-identity.ts';
import { readRosterDecisions, writeRosterDecisions } from './roster-decisions.ts';

export interface RosterFollower {
  /**
   * Resolves when what the coordinator shows is pinned; several at once are one.
   *
   * @throws {RosterRefusedError} when it does not follow from what is pinned: the site then works for nobody.
   */
  follow(signal: AbortSignal): Promise<void>;
}

export function createRosterFollower(
  folder: string,
  options: {
    readonly site: string;
    readonly identity: Identity;
    readonly coordinator: RosterAnchor;
    readonly link: Pick<SiteLink, 'roster' | 'approveRoster' | 'rotateKeys'>;
    readonly log: SiteLog;
    /** Called once when the roster has the new keys that this site wished for. */
    readonly onNewKeys?: () => void;
  },
): RosterFollower {
  const { site, identity, coordinator, link, log, onNewKeys } = options;
  let running: Promise<void> | null = null;
  /** Told of already. */
  let announced: string | null = null;
  let hasTakenEffect = false;

  /** Pins what is new. @returns the newest epoch and what waits. */
  async function pin(signal: AbortSignal): Promise<{ newest: Roster | null; proposal: Roster | null }> {
    let chain = await pinnedChain(folder);
    for (;;) {
      const answer = await link.roster(chain.length, signal);
      if (answer.newest < chain.length) {
        throw new RosterRefusedError(
          'roster-not-extending',
          `the coordinator shows ${answer.newest} epochs, and this site has pinned ${chain.length}. Compare the roster with other sites.`,
        );
      }
      const before = chain.at(-1)?.roster ?? null;
      const extended = extendChain(chain, answer.epochs, coordinator);
      const newest = extended.at(-1)?.roster ?? null;
      if (extended.length > chain.length && newest !== null) {
        requireOwnKeys(newest, { site, identity, next: await readNextIdentity(folder) });
        await pinChain(folder, extended);
        log.info({ epoch: newest.epoch, changes: rosterDifference(before, newest) }, 'The roster has changed');
      }
      if (extended.length >= answer.newest || extended.length === chain.length) {
        return { newest, proposal: answer.proposal };
      }
      chain = extended;
    }
  }

  async function decide(newest: Roster | null, proposal: Roster | null, signal: AbortSignal): Promise<void> {
    const { waiting, approved } = await readRosterDecisions(folder);
    const hash = proposal === null ? null : rosterHash(proposal);
    if (hash !== (waiting === null ? null : rosterHash(waiting)))
      await writeRosterDecisions(folder, { waiting: proposal });
    if (proposal === null || hash === null || !memberNames(newest).includes(site)) return;
    if (proposal.removed.includes(site) || proposal.rotations.some((rotation) => rotation.site === site)) return;
    checkContent(proposal, newest, coordinator);
    const { approveMembers = 'ask' } = await readPolicy(folder);
    const changes = rosterDifference(newest, proposal);
    if (approveMembers === 'ask' && approved !== hash) {
      if (announced !== hash) {
        log.warn(
          { epoch: proposal.epoch, changes },
          `A change of the roster waits for this site. Telephone whoever joins, compare the words, and run "wardround-site roster approve ${proposal.epoch}"`,
        );
      }
      announced = hash;
      return;
    }
    if (announced === `${hash} approved`) return;
    await link.approveRoster({ roster: hash, approval: approveRoster(proposal, { by: site, identity }) }, signal);
    announced = `${hash} approved`;
    log.info({ epoch: proposal.epoch, changes }, 'This site has approved a change of the roster');
  }

  async function rotate(newest: Roster | null, proposal: Roster | null, signal: AbortSignal): Promise<void> {
    const next = await readNextIdentity(folder);
    if (next === null || hasTakenEffect || !isInRoster(newest, site, identity)) return;
    if (isInRoster(newest, site, next)) {
      hasTakenEffect = true;
      log.info('The roster has this site’s new keys; they come into use as soon as there is no work');
      onNewKeys?.();
      return;
    }
    const { signingKey } = publicKeys(next);
    if (proposal?.rotations.some((rotation) => rotation.signingKey === signingKey)) return;
    const old = { signingSeed: identity.signingSeed, ...publicKeys(identity) };
    const wish = { coordinator: coordinator.fingerprint, site, old, next: { ...next, ...publicKeys(next) } };
    await link.rotateKeys(rotateKeys(wish), signal);
  }

  async function once(signal: AbortSignal): Promise<void> {
    const { newest, proposal } = await pin(signal);
    try {
      await decide(newest, proposal, signal);
      await rotate(newest, proposal, signal);
    } catch (error) {
      // What is wrong with a proposal that this site does not approve keeps it from no work.
      signal.throwIfAborted();
      log.warn({ error }, 'A change of the roster could not be decided on; trying again');
    }
  }

  return {
    follow(signal) {
      running ??= once(signal).finally(() => {
        running = null;
      });
      return running;
    },
  };
}

/** A roster that has other keys under this site's name has somebody else in its place. */
function requireOwnKeys(
  roster: Roster,
  { site, identity, next }: { site: string; identity: Identity; next: Identity | null },
): void {
  const own = new Set([identity, next].flatMap((one) => (one === null ? [] : [publicKeys(one).signingKey])));
  const foreign = roster.sites.some((member) => member.site === site && !own.has(member.signingKey));
  // The old keys stay beside the new ones for the overlap.
  if (foreign && !isInRoster(roster, site, identity)) {
    throw new RosterRefusedError(
      'roster-keys-replaced',
      `it has other keys under the name of this site, ${site}. Somebody is in its place: tell the other sites.`,
    );
  }
}
