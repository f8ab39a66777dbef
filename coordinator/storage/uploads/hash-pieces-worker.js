/**
 * The thread's side of hash-pieces.ts. Plain JavaScript on purpose: a thread that takes the types out of TypeScript needs
 * 20 MB for that alone.
 */
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

/** @import { Hash } from 'node:crypto' */
/** @import { HashAnswer, HashTask } from './hash-pieces.ts' */

const buffer = Buffer.allocUnsafeSlow(1 << 20);
/**
 * The hash of each upload's pieces so far.
 *
 * @type {Map<number, Hash>}
 */
const wholes = new Map();

/**
 * Both hashes in one pass, while the bytes are in the cache.
 *
 * @param {number} upload
 * @param {Extract<HashTask['task'], { kind: 'add' }>} piece
 * @returns {boolean}
 */
function add(upload, { fd, position, bytes, sha256 }) {
  const whole = (wholes.get(upload) ?? createHash('sha256')).copy();
  const piece = createHash('sha256');
  for (let done = 0; done < bytes; ) {
    const read = readSync(fd, buffer, 0, Math.min(buffer.length, bytes - done), position + done);
    if (read === 0) return false;
    const part = buffer.subarray(0, read);
    piece.update(part);
    whole.update(part);
    done += read;
  }
  if (piece.digest('hex') !== sha256) return false;
  wholes.set(upload, whole);
  return true;
}

/**
 * @param {HashTask} request
 * @returns {boolean | string}
 */
function perform({ upload, task }) {
  switch (task.kind) {
    case 'add':
      return add(upload, task);
    case 'digest':
      return (wholes.get(upload) ?? createHash('sha256')).copy().digest('hex');
    case 'forget':
      return wholes.delete(upload);
  }
}

parentPort?.on('message', (/** @type {HashTask} */ request) => {
  /** @type {HashAnswer} */
  let answer;
  try {
    answer = { id: request.id, result: perform(request) };
  } catch (error) {
    answer = { id: request.id, error: /** @type {NodeJS.ErrnoException} */ (error).code ?? 'unknown' };
  }
  parentPort?.postMessage(answer);
});
