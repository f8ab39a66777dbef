/**
 * Lets each sequence number of a site's key count once. The window of the newest 1,024 (storage/slide-window.ts) is made
 * durable with every request: one small write (storage/sequence-log.ts, or replicas' storage/sequence-windows.ts), cheaper
 * than remembering a nonce, and right across restarts and replicas without a reserve that a restart would refuse. So what a
 * site signed is good once, not once within the clock's tolerance.
 */

import { RefusalError } from '../refusal-error.ts';
import type { SequenceWindows } from '../storage/sequence-windows.ts';
import { WINDOW_SIZE } from '../storage/slide-window.ts';

/** The number was used, or is older than those that are remembered. The site goes on from `leastSequence`. */
export class SequenceRefusedError extends RefusalError {
  readonly leastSequence: number;

  constructor(code: 'sequence-repeated' | 'sequence-too-old', leastSequence: number) {
    super(code, { status: 401, message: messages[code] });
    this.leastSequence = leastSequence;
  }
}

const messages = {
  'sequence-repeated':
    'This request’s sequence number was used before. Sign every request anew, repeated ones too; a site whose folder was put back to an older state goes on from leastSequence.',
  'sequence-too-old': `This request’s sequence number is older than the newest ${WINDOW_SIZE}. Go on from leastSequence.`,
} as const;

/** @throws {RefusalError | SequenceRefusedError} */
export async function useSequence(
  windows: Pick<SequenceWindows, 'use' | 'least'>,
  { signer, sequence }: { readonly signer: string; readonly sequence: number | null },
): Promise<void> {
  if (sequence === null) {
    throw new RefusalError('sequence-missing', {
      status: 401,
      message: 'A site numbers its requests. Update the site’s program.',
    });
  }
  const verdict = await windows.use(signer, sequence);
  if (verdict === 'new') return;
  const code = verdict === 'repeated' ? 'sequence-repeated' : 'sequence-too-old';
  throw new SequenceRefusedError(code, await windows.least(signer));
}
