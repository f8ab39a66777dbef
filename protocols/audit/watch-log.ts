/**
 * What a site does with the coordinator's log: it believes a new checkpoint only when it follows from the one it saw last.
 *
 * A coordinator that shows sites different histories, rewrites, shortens or puts back its log has then signed two
 * checkpoints that cannot both be true: both are kept as evidence. It cannot learn anything from watching sites but the
 * sizes of their ledgers.
 */
import { decodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { verifyConsistency } from '@wardround/shared/crypto/merkle-tree.ts';
import { type Checkpoint, type LogIdentity, openCheckpoint } from './checkpoint.ts';
import type { CheckpointAnswer } from './messages.ts';

export class LogRefusedError extends Error {
  override readonly name = 'LogRefusedError';
  readonly code: 'log-rolled-back' | 'log-forked' | 'checkpoint-unusable';

  constructor(code: LogRefusedError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The new checkpoint, to be cosigned; null when there is none newer than the one seen.
 *
 * @param seen the signed note of the checkpoint that was seen last; null for none.
 * @throws {LogRefusedError} when it does not follow.
 */
export function followLog(
  answer: CheckpointAnswer,
  { seen, log }: { seen: string | null; log: LogIdentity },
): Checkpoint | null {
  const before = seen === null ? null : openCheckpoint(seen, log);
  if (answer.note === null) {
    if (before === null) return null;
    throw new LogRefusedError(
      'log-rolled-back',
      `${REFUSAL} it had ${before.size} records when this site saw it last and shows none now. ${ADVICE}`,
    );
  }
  const after = open(answer.note, log);
  if (before === null) return after;
  if (after.size < before.size) {
    throw new LogRefusedError(
      'log-rolled-back',
      `${REFUSAL} it had ${before.size} records when this site saw it last and has ${after.size} now: it was cut or put back. ${ADVICE}`,
    );
  }
  const proof = answer.consistency.map((hash) => decodeBase64Url(hash, { length: 32 }));
  if (!verifyConsistency(proof, { before, after })) {
    throw new LogRefusedError(
      'log-forked',
      `${REFUSAL} its first ${before.size} records are not those that this site saw: they were rewritten, or others are shown another log. ${ADVICE}`,
    );
  }
  return after.size === before.size ? null : after;
}

const REFUSAL = "Cannot go on: the coordinator's log contradicts itself;";
const ADVICE =
  "Both checkpoints are kept in the site's folder audit as evidence. Ask the coordinator's administrator and the other sites. " +
  'If all agree that the coordinator was restored from a backup, remove audit/seen-checkpoint.json.';

function open(note: string, log: LogIdentity): Checkpoint {
  try {
    return openCheckpoint(note, log);
  } catch {
    throw new LogRefusedError(
      'checkpoint-unusable',
      "Cannot go on: the checkpoint of the coordinator's log is not signed by the coordinator that this site joined.",
    );
  }
}
