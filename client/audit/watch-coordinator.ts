/**
 * Watches the coordinator's log: before each piece of work the site asks for its newest checkpoint, and works on only when
 * that follows from the one it saw last. What it believes it remembers on its disk and cosigns, in this order.
 */
import { type LogIdentity, openCheckpoint, witnessKey } from '@wardround/protocols/audit/checkpoint.ts';
import { signLedgerHead } from '@wardround/protocols/audit/egress-head.ts';
import type { CheckpointAnswer } from '@wardround/protocols/audit/messages.ts';
import { signPrivacyHead } from '@wardround/protocols/audit/privacy-head.ts';
import { cosignNote } from '@wardround/protocols/audit/signed-note.ts';
import { followLog, LogRefusedError } from '@wardround/protocols/audit/watch-log.ts';
import { type Identity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import type { SiteLink } from '../link/site-link.ts';
import { COHORT } from '../policy/charge-round.ts';
import { readPrivacyLedger } from '../policy/privacy-ledger.ts';
import { DamagedStateError, readStateFile, writeStateFile } from '../state/state-file.ts';
import { AUDIT_REMEDY, logEvidence, SEEN_CHECKPOINT } from './audit-files.ts';
import type { EgressLedger } from './egress-ledger.ts';

export interface LogWatch {
  /**
   * Resolves when the coordinator's log is what this site has seen, or follows from it.
   *
   * @throws {LogRefusedError} when it is not; both checkpoints are then in the site's folder.
   */
  check(signal: AbortSignal): Promise<void>;
}

export function watchCoordinator(
  folder: string,
  options: {
    readonly site: string;
    readonly identity: Identity;
    readonly coordinator: LogIdentity;
    readonly link: Pick<SiteLink, 'checkpoint' | 'cosign'>;
    readonly ledger: Pick<EgressLedger, 'head'>;
    readonly nowMillis?: () => number;
  },
): LogWatch {
  const { site, identity, coordinator, link, ledger, nowMillis = Date.now } = options;
  const { signingKey } = publicKeys(identity);
  const signer = { ...witnessKey(coordinator, { site, signingKey }), signingSeed: identity.signingSeed };
  let last: Promise<unknown> = Promise.resolve();

  async function look(signal: AbortSignal): Promise<void> {
    const seen = (await readStateFile(folder, SEEN_CHECKPOINT))?.note ?? null;
    const answer = await link.checkpoint(sizeOf(seen, coordinator), signal);
    const checkpoint = await follow(answer, { seen, coordinator, folder, nowMillis });
    if (checkpoint === null || answer.note === null) return;
    const head = ledger.head();
    await writeStateFile(folder, SEEN_CHECKPOINT, {
      format: 'wardround-seen-checkpoint/1',
      note: answer.note,
      ledger: head,
    });
    const timeSeconds = Math.floor(nowMillis() / 1000);
    const cosignature = cosignNote(checkpoint.note.text, signer, { timeSeconds });
    const charged = (await readPrivacyLedger(folder, { cohort: COHORT })).head;
    const offer = { size: checkpoint.size, cosignature, ledger: signLedgerHead(head, identity) };
    const privacy = charged.size > 0 && { privacy: signPrivacyHead(charged, identity) };
    await link.cosign({ ...offer, ...privacy }, signal);
  }

  return {
    check(signal) {
      // One look after another, so that none goes by what another has overtaken.
      const looked = last.then(() => look(signal));
      last = looked.catch(() => undefined);
      return looked;
    },
  };
}

function sizeOf(seen: string | null, coordinator: LogIdentity): number {
  if (seen === null) return 0;
  try {
    return openCheckpoint(seen, coordinator).size;
  } catch {
    throw new DamagedStateError(
      `Cannot use ${SEEN_CHECKPOINT.name} in the site's folder: it is no checkpoint of this coordinator. ${AUDIT_REMEDY}`,
    );
  }
}

async function follow(
  answer: CheckpointAnswer,
  options: { seen: string | null; coordinator: LogIdentity; folder: string; nowMillis: () => number },
): Promise<ReturnType<typeof followLog>> {
  const { seen, coordinator, folder, nowMillis } = options;
  try {
    return followLog(answer, { seen, log: coordinator });
  } catch (error) {
    if (!(error instanceof LogRefusedError)) throw error;
    const file = logEvidence(answer);
    if ((await readStateFile(folder, file)) === null) {
      const evidence = { code: error.code, seen, offered: answer.note, consistency: answer.consistency };
      await writeStateFile(folder, file, { format: 'wardround-log-evidence/1', atMillis: nowMillis(), ...evidence });
    }
    throw error;
  }
}
