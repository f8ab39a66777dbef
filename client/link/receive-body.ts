/** The pieces of an answer as they come: reading them by an iterator joins those that wait into new memory, for nothing. */
import type { Readable } from 'node:stream';

/**
 * Resolves when the body is at its end and the last piece taken.
 *
 * @param take while its promise is pending, nothing more is read.
 * @throws what `take` throws, and the body's error when it breaks off; the body is destroyed then, and nothing being taken.
 */
export function receiveBody(body: Readable, take: (piece: Buffer) => void | Promise<void>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  /** The last piece that had to be waited for. */
  let taking: Promise<void> | null = null;
  const fail = (error: unknown): void => {
    body.destroy();
    // Nothing is taken any more when the caller hears of it.
    const over = () => reject(error);
    void Promise.resolve(taking).then(over, over);
  };
  body.on('data', (piece: Buffer) => {
    // What was in the body's own memory still comes after a failure.
    if (body.destroyed) return;
    try {
      const taken = take(piece);
      if (taken === undefined) return;
      body.pause();
      taking = taken;
      taken.then(() => body.resume(), fail);
    } catch (error) {
      fail(error);
    }
  });
  body.on('end', () => void Promise.resolve(taking).then(() => resolve(), reject));
  body.on('error', fail);
  body.on('close', () => {
    if (!body.readableEnded) fail(new Error('The answer broke off.'));
  });
  return promise;
}
