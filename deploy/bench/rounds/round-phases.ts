/** How long each part of a round took, by the times at which the coordinator's journal says that things were so. */
import type { StudyEvent } from '@wardround/protocols/round/events.ts';

/** Seconds. */
export interface RoundPhases {
  readonly round: number;
  /** From the round's opening: sites follow the sum of the last one, make their updates and say so. */
  readonly deliver: number;
  /** With secure aggregation: the keys, the survivors and the secrets, in short messages. Else 0. */
  readonly messages: number;
  /** Masking, sealing and sending, until the last update is accepted. */
  readonly upload: number;
  /** Adding, unmasking, moving the weights and publishing. */
  readonly aggregate: number;
  /** From its opening to that of what follows. */
  readonly total: number;
  /** Of all accepted updates. */
  readonly uploadedBytes: number;
  readonly participants: number;
}

type InRound = Extract<StudyEvent, { round: number }>;

/** The rounds that were committed, in order. */
export function roundPhases(events: readonly StudyEvent[]): RoundPhases[] {
  const phases: RoundPhases[] = [];
  for (const [index, event] of events.entries()) {
    if (event.kind !== 'round-committed') continue;
    const { round, participants } = event;
    const own = events.slice(0, index + 1).filter((other): other is InRound => isOf(other, event));
    const next = events.slice(index + 1).find(({ kind }) => kind === 'round-opened' || kind === 'evaluation-opened');
    const openedMillis = timeOf(own, ({ kind }) => kind === 'round-opened')!;
    const stepMillis = (name: string) =>
      timeOf(own, (other) => other.kind === 'session-step-opened' && other.step === name);
    const shareMillis = stepMillis('share-keys');
    const maskMillis = stepMillis('masked-input');
    const sentMillis = stepMillis('consistency');
    const closedMillis = timeOf(own, ({ kind }) => kind === 'round-closed') ?? event.atMillis;
    const isMasked = shareMillis !== null && maskMillis !== null && sentMillis !== null;
    const seconds = (from: number, to: number) => (to - from) / 1000;
    phases.push({
      round,
      deliver: isMasked ? seconds(openedMillis, shareMillis) : 0,
      messages: isMasked ? seconds(shareMillis, maskMillis) + seconds(sentMillis, closedMillis) : 0,
      upload: isMasked ? seconds(maskMillis, sentMillis) : seconds(openedMillis, closedMillis),
      aggregate: seconds(closedMillis, event.atMillis),
      total: seconds(openedMillis, next?.atMillis ?? event.atMillis),
      uploadedBytes: own.reduce((sum, other) => sum + bytesIn(other), 0),
      participants: participants.length,
    });
  }
  return phases;
}

function isOf(event: StudyEvent, { stage, round }: { readonly stage: number; readonly round: number }): boolean {
  return 'round' in event && event.stage === stage && event.round === round;
}

function timeOf(events: readonly InRound[], isIt: (event: InRound) => boolean): number | null {
  return events.find(isIt)?.atMillis ?? null;
}

function bytesIn(event: InRound): number {
  if (event.kind === 'update-accepted') return event.bytes;
  return event.kind === 'session-message' ? (event.vector?.bytes ?? 0) : 0;
}
