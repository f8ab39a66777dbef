/** Sends a stream as the rest of a response; each slice's memory is given back when the line has it. */
import { releaseMemory } from '@wardround/shared/bytes/release-memory.ts';
import type { Response } from 'express';

/** The receiver went away before it had everything. */
export class ReceiverGoneError extends Error {
  override readonly name = 'ReceiverGoneError';
}

/** @throws {ReceiverGoneError} and what the stream throws. */
export async function sendSlices(response: Response, slices: AsyncIterable<Uint8Array>): Promise<void> {
  const gone = Promise.withResolvers<never>();
  gone.promise.catch(() => undefined);
  // Its writes may then never be answered.
  const onClose = (): void => gone.reject(new ReceiverGoneError('The receiver went away'));
  response.once('close', onClose);
  for await (const slice of slices) {
    if (response.closed) onClose();
    const sent = new Promise<void>((resolve, reject) => {
      response.write(slice, (error) => (error == null ? resolve() : reject(new ReceiverGoneError(error.message))));
    });
    await Promise.race([sent, gone.promise]);
    releaseMemory(slice);
  }
  response.end();
}
